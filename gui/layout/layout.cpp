// SPDX-License-Identifier: GPL-2.0-only
#include "gui/layout/layout.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/nearest.hpp"

namespace trapgate::gui {
namespace {

constexpr std::string_view kShape = "layouts look like h(60,v(70,Registers,Console),Maps)";

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Recursive descent over one string. Every member leaves `at_` behind what it has read.
class Parser {
public:
    Parser(std::string_view text, std::span<const std::string_view> panels)
        : text_(text), known_(panels) {}

    Result<Layout> parse() {
        constexpr std::string_view kPrefix = "layout=";
        skip_spaces();
        if (text_.substr(at_).starts_with(kPrefix)) {
            at_ += kPrefix.size();
        }
        auto layout = node(0);
        skip_spaces();
        if (layout && at_ != text_.size()) {
            return error(at_, "there is text behind the end of the layout", "delete it");
        }
        return layout;
    }

private:
    Result<Layout> node(int depth) {
        skip_spaces();
        const std::size_t start = at_;
        const std::string_view word = take_word();
        if (word.empty()) {
            return error(start, "a panel, or h(, v( or t( is missing", std::string(kShape));
        }
        skip_spaces();
        if (at_ >= text_.size() || text_[at_] != '(') {
            return panel(start, word);
        }
        ++at_;
        if (word == "h" || word == "v") {
            if (depth == Layout::kMaxDepth) {
                return error(start, fmt::format("more than {} splits in each other", depth), "");
            }
            return split(word == "h" ? LayoutKind::SideBySide : LayoutKind::Stacked, depth);
        }
        if (word == "t") {
            return tabs();
        }
        return error(start, fmt::format("there is no '{}('", word),
                     "h( is side by side, v( one above the other, t( tabs");
    }

    Result<Layout> split(LayoutKind kind, int depth) {
        Layout layout;
        layout.kind = kind;
        auto share = percent();
        if (!share) {
            return tl::unexpected(share.error());
        }
        layout.percent = *share;
        for (int i = 0; i < 2; ++i) {
            if (auto comma = expect(','); !comma) {
                return tl::unexpected(comma.error());
            }
            auto child = node(depth + 1);
            if (!child) {
                return child;
            }
            layout.children.push_back(std::move(*child));
        }
        if (auto end = expect(')'); !end) {
            return tl::unexpected(end.error());
        }
        return layout;
    }

    Result<Layout> tabs() {
        Layout layout;
        while (true) {
            skip_spaces();
            const std::size_t start = at_;
            auto tab = panel(start, take_word());
            if (!tab) {
                return tab;
            }
            layout.panels.push_back(std::move(tab->panels.front()));
            skip_spaces();
            if (at_ < text_.size() && text_[at_] == ',') {
                ++at_;
                continue;
            }
            if (auto end = expect(')'); !end) {
                return tl::unexpected(end.error());
            }
            return layout;
        }
    }

    Result<Layout> panel(std::size_t start, std::string_view name) {
        if (name.empty()) {
            return error(start, "the name of a panel is missing", panel_list());
        }
        if (std::ranges::find(known_, name) == known_.end()) {
            const auto near = nearest_names(name, {known_.begin(), known_.end()}, 1);
            return error(start, fmt::format("there is no panel '{}'", name),
                         near.empty() ? panel_list() : did_you_mean(near));
        }
        if (std::ranges::find(used_, name) != used_.end()) {
            return error(start, fmt::format("panel {} stands in the layout twice", name), "");
        }
        used_.push_back(name);
        Layout layout;
        layout.panels.emplace_back(name);
        return layout;
    }

    Result<int> percent() {
        skip_spaces();
        const std::size_t start = at_;
        const std::string_view word = take_word();
        int value = 0;
        const auto [end, status] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (word.empty() || status != std::errc() || end != word.data() + word.size() ||
            value < Layout::kMinPercent || value > Layout::kMaxPercent) {
            return error(
                start,
                fmt::format("a split begins with the first part's share, {} to {} per cent",
                            Layout::kMinPercent, Layout::kMaxPercent),
                std::string(kShape));
        }
        return value;
    }

    Result<void> expect(char c) {
        skip_spaces();
        if (at_ < text_.size() && text_[at_] == c) {
            ++at_;
            return {};
        }
        return error(at_, fmt::format("'{}' is missing", c), std::string(kShape));
    }

    std::string_view take_word() {
        const std::size_t start = at_;
        while (at_ < text_.size() && is_word(text_[at_])) {
            ++at_;
        }
        return text_.substr(start, at_ - start);
    }

    void skip_spaces() {
        while (at_ < text_.size() && text_[at_] == ' ') {
            ++at_;
        }
    }

    tl::unexpected<Error> error(std::size_t place, std::string what, std::string hint) const {
        const std::string_view rest = text_.substr(std::min(place, text_.size()));
        const std::string before = rest.empty() ? std::string("its end")
                                                : fmt::format("'{}'", rest.substr(0, 20));
        return fail(std::move(what), fmt::format("layout, column {} (at {})", place + 1, before),
                    std::move(hint));
    }

    std::string panel_list() const { return fmt::format("panels are {}", fmt::join(known_, ", ")); }

    std::string_view text_;
    std::span<const std::string_view> known_;
    std::vector<std::string_view> used_;
    std::size_t at_ = 0;
};

}  // namespace

Result<Layout> parse_layout(std::string_view text, std::span<const std::string_view> panels) {
    return Parser(text, panels).parse();
}

std::string layout_text(const Layout& layout) {
    if (layout.kind == LayoutKind::Tabs) {
        return layout.panels.size() == 1 ? layout.panels.front()
                                         : fmt::format("t({})", fmt::join(layout.panels, ","));
    }
    return fmt::format("{}({},{},{})", layout.kind == LayoutKind::SideBySide ? 'h' : 'v',
                       layout.percent, layout_text(layout.children[0]),
                       layout_text(layout.children[1]));
}

}  // namespace trapgate::gui
