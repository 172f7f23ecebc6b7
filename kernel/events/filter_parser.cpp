// SPDX-License-Identifier: GPL-2.0-only
// Reads filters. What is wrong, and where the caret points, is Linux's
// (kernel/trace/trace_events_filter.c, 6.12): brackets and quotes are counted first, then the terms
// are read from left to right. A term's positions count from behind its first character.
#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.hpp"
#include "kernel/events/filter.hpp"
#include "kernel/events/numbers.hpp"

namespace trapgate::kernel {
namespace {

using Op = Predicate::Op;
using Kind = EventField::Kind;
using Node = EventFilter::Node;

constexpr std::string_view kInvalidOp = "Invalid operator";
constexpr std::string_view kTooManyOpen = "Too many '('";
constexpr std::string_view kTooManyClose = "Too few '('";
constexpr std::string_view kMissingQuote = "Missing matching quote";
constexpr std::string_view kTooLong = "Operand too long";
constexpr std::string_view kExpectString = "Expecting string field";
constexpr std::string_view kExpectDigit = "Expecting numeric field";
constexpr std::string_view kIllegalOp = "Illegal operation for field type";
constexpr std::string_view kFieldNotFound = "Field not found";
constexpr std::string_view kIllegalNumber = "Illegal integer value";
constexpr std::string_view kTooManyTerms = "Too many terms in predicate expression";
constexpr std::string_view kMeaningless = "Meaningless filter expression";
constexpr std::string_view kInvalidValue = "Invalid value (did you forget quotes)?";
constexpr std::string_view kNoFunction = "Function not found";
constexpr std::string_view kNoFilter = "No filter found";

constexpr std::size_t kMaxFilter = 4095;  // PAGE_SIZE - 1
constexpr std::size_t kMaxString = 256;   // MAX_FILTER_STR_VAL
constexpr std::size_t kMaxNumber = 24;

constexpr std::string_view kOperatorHint = "== != < <= > >= & for numbers, == != ~ for strings";

struct Operator {
    std::string_view text;
    Op op;
};
// What begins like a longer one comes behind it.
constexpr std::array kOperators{
    Operator{"~", Op::Glob},       Operator{"!=", Op::NotEqual}, Operator{"==", Op::Equal},
    Operator{"<=", Op::LessEqual}, Operator{"<", Op::Less},      Operator{">=", Op::GreaterEqual},
    Operator{">", Op::Greater},    Operator{"&", Op::And},
};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }

/// A bracket that is open, or the whole filter: terms joined by || of terms joined by &&.
struct Level {
    bool negated = false;
    std::vector<std::vector<Node>> any{1};

    Node fold() {
        Node node{.kind = Node::Kind::Any, .negated = negated, .predicate = {}, .children = {}};
        for (std::vector<Node>& all : any) {
            if (all.size() == 1) {
                node.children.push_back(std::move(all.front()));
            } else {
                node.children.push_back({Node::Kind::All, false, {}, std::move(all)});
            }
        }
        if (node.children.size() == 1) {
            Node only = std::move(node.children.front());
            only.negated = only.negated != negated;
            return only;
        }
        return node;
    }
};

class FilterParser {
public:
    FilterParser(std::string_view text, const std::vector<EventField>& fields,
                 const FunctionRange& functions)
        : text_(text), fields_(fields), functions_(functions) {}

    tl::expected<Node, FilterError> parse() {
        if (text_.size() > kMaxFilter) {
            return wrong(kTooLong, kMaxFilter, fmt::format("at most {} characters", kMaxFilter));
        }
        return check_pairs().and_then([&] { return parse_terms(); });
    }

private:
    template <class T>
    using Parsed = tl::expected<T, FilterError>;

    [[nodiscard]] tl::unexpected<FilterError> wrong(std::string_view what, std::size_t caret,
                                                    std::string hint) const {
        return tl::unexpected(FilterError{what, caret, std::string(text_), std::move(hint)});
    }
    [[nodiscard]] char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
    [[nodiscard]] std::size_t skip_space(std::size_t at) const {
        while (at < text_.size() && is_space(text_[at])) {
            ++at;
        }
        return at;
    }

    Parsed<void> check_pairs() const {
        std::vector<std::size_t> open;
        bool any = false;
        for (std::size_t i = 0; i < text_.size(); ++i) {
            const char c = text_[i];
            if (c == '\'' || c == '"') {
                const std::size_t end = text_.find(c, i + 1);
                if (end == std::string_view::npos) {
                    return wrong(kMissingQuote, i, "a string ends with the quote it began with");
                }
                i = end;
            } else if (c == '(') {
                open.push_back(i);
                continue;
            } else if (c == ')') {
                if (open.empty()) {
                    return wrong(kTooManyClose, i, "take this ) away");
                }
                open.pop_back();
                continue;
            }
            any = any || !is_space(c);
        }
        if (!open.empty()) {
            return wrong(kTooManyOpen, open.back(), "a ) is missing");
        }
        return any ? Parsed<void>() : wrong(kNoFilter, 0, "FIELD == VALUE");
    }

    Parsed<Node> parse_terms() {
        std::vector<Level> levels(1);
        bool negated = false;
        bool terms = false;
        for (std::size_t at = 0; at < text_.size();) {
            const char c = text_[at];
            if (is_space(c)) {
                ++at;
            } else if (c == '(') {
                levels.push_back({.negated = negated});
                negated = false;
                ++at;
            } else if (c == '!' && peek(at + 1) != '=' && peek(at + 1) != '~') {
                negated = !negated;
                ++at;
            } else {
                Parsed<Node> term = parse_term(at);
                if (!term) {
                    return term;
                }
                term->negated = term->negated != negated;
                negated = false;
                terms = true;
                levels.back().any.back().push_back(std::move(*term));
                const Parsed<bool> goes_on = parse_joint(at, levels);
                if (!goes_on) {
                    return tl::unexpected(goes_on.error());
                }
                if (!*goes_on) {
                    return levels.back().fold();
                }
            }
        }
        return terms ? wrong(kMeaningless, text_.size(), "a term is missing at the end")
                     : wrong(kNoFilter, text_.size(), "FIELD == VALUE");
    }

    // Closing brackets and the && or || behind a term; false at the end.
    Parsed<bool> parse_joint(std::size_t& at, std::vector<Level>& levels) const {
        for (;; ++at) {
            at = skip_space(at);
            const char c = peek(at);
            if (at >= text_.size()) {
                return levels.size() == 1 ? Parsed<bool>(false)
                                          : wrong(kTooManyOpen, at, "a ) is missing");
            }
            if ((c == '&' || c == '|') && peek(at + 1) == c) {
                if (c == '|') {
                    levels.back().any.emplace_back();
                }
                at += 2;
                return true;
            }
            if (c != ')') {
                return wrong(kTooManyTerms, at, "terms are joined by && or ||");
            }
            if (levels.size() == 1) {
                return wrong(kTooManyClose, at + 1, "take this ) away");
            }
            Node inner = levels.back().fold();
            levels.pop_back();
            levels.back().any.back().push_back(std::move(inner));
        }
    }

    Parsed<Node> parse_term(std::size_t& at) {
        const std::size_t begin = at;
        std::size_t i = at;
        while (is_word(peek(i)) || peek(i) == '_') {
            ++i;
        }
        const std::string_view name = text_.substr(begin, i - begin);
        const auto field = std::ranges::find(fields_, name, &EventField::name);
        if (field == fields_.end()) {
            return wrong(kFieldNotFound, i + 1, field_hint(name));
        }
        Node node{.kind = Node::Kind::Predicate, .negated = false, .predicate = {}, .children = {}};
        node.predicate.field = *field;
        const auto has = [&](std::string_view suffix) {
            const bool there = text_.substr(i).starts_with(suffix);
            i += there ? suffix.size() : 0;
            return there;
        };
        has(".ustring");
        const bool function = has(".function");
        i = skip_space(i);
        const auto* const op = std::ranges::find_if(kOperators, [&](const Operator& candidate) {
            return text_.substr(i).starts_with(candidate.text);
        });
        if (op == kOperators.end()) {
            return wrong(kInvalidOp, i + 1, std::string(kOperatorHint));
        }
        node.predicate.op = op->op;
        i = skip_space(i + op->text.size());
        return parse_operand(i, function, node.predicate).map([&] {
            at = i;
            return std::move(node);
        });
    }

    [[nodiscard]] std::string field_hint(std::string_view name) const {
        std::vector<std::string_view> names;
        std::ranges::transform(fields_, std::back_inserter(names), &EventField::name);
        const std::string near = did_you_mean(nearest_names(name, names));
        return near.empty() ? fmt::format("there is {}", fmt::join(names, ", ")) : near;
    }

    Parsed<void> parse_operand(std::size_t& i, bool function, Predicate& predicate) {
        const char c = peek(i);
        if (function) {
            return parse_function(i, predicate);
        }
        if (c == '\'' || c == '"') {
            return parse_string(i, predicate);
        }
        if (is_digit(c) || c == '-') {
            return parse_number(i, predicate);
        }
        return wrong(kInvalidValue, i + 1, "a number, or a string in quotes");
    }

    [[nodiscard]] static bool is_string(const EventField& field) {
        return field.kind == Kind::String || field.kind == Kind::Comm;
    }

    Parsed<void> parse_string(std::size_t& i, Predicate& predicate) const {
        if (predicate.op != Op::Equal && predicate.op != Op::NotEqual && predicate.op != Op::Glob) {
            return wrong(kIllegalOp, i + 1, "strings have == != ~");
        }
        if (!is_string(predicate.field)) {
            return wrong(kExpectDigit, i + 1, predicate.field.name + " is a number");
        }
        const std::size_t end = text_.find(text_[i], i + 1);
        if (end == std::string_view::npos) {
            return wrong(kMissingQuote, text_.size() + 1,
                         "a string ends with the quote it began with");
        }
        predicate.pattern = text_.substr(i + 1, end - i - 1);
        if (predicate.pattern.size() >= kMaxString) {
            return wrong(kTooLong, end + 1, fmt::format("at most {} characters", kMaxString - 1));
        }
        i = end + 1;
        return {};
    }

    // Digits and letters, so that 0xdeadbeef is one.
    Parsed<std::string> take_number(std::size_t& i) const {
        const std::size_t begin = i;
        i += peek(i) == '-' ? 1 : 0;
        while (is_word(peek(i))) {
            ++i;
        }
        return i - begin >= kMaxNumber ? wrong(kTooLong, i + 1, "a number of at most 64 bits")
                                       : Parsed<std::string>(text_.substr(begin, i - begin));
    }

    Parsed<void> parse_number(std::size_t& i, Predicate& predicate) const {
        const std::size_t begin = i;
        const EventField& field = predicate.field;
        if (is_string(field)) {
            return wrong(kExpectString, i + 1, field.name + " is a string: put quotes around it");
        }
        const bool comparable = field.size == 1 || field.size == 2 || field.size == 4 ||
                                field.size == 8;
        if (predicate.op == Op::Glob || !comparable || field.type.find('[') != std::string::npos) {
            return wrong(kIllegalOp, i + 1,
                         comparable ? "numbers have == != < <= > >= &" : "an array has no value");
        }
        const Parsed<std::string> digits = take_number(i);
        if (!digits) {
            return tl::unexpected(digits.error());
        }
        std::optional<std::uint64_t> value;
        if (field.is_signed) {
            const std::optional<std::int64_t> number = parse_signed(*digits);
            value = number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
        } else {
            value = parse_unsigned(*digits);
        }
        if (!value) {
            return wrong(
                kIllegalNumber, begin + 1,
                field.is_signed ? "a number of at most 64 bits" : field.name + " has no sign");
        }
        predicate.value = *value;
        return {};
    }

    Parsed<void> parse_function(std::size_t& i, Predicate& predicate) const {
        if (predicate.field.size != 8 || predicate.field.kind != Kind::Number) {
            return wrong(kIllegalOp, i + 1, "an address has 64 bits");
        }
        if (predicate.op != Op::Equal && predicate.op != Op::NotEqual) {
            return wrong(kInvalidOp, i + 1, "FIELD.function == SYMBOL");
        }
        const std::size_t begin = i;
        while (i < text_.size() && !is_space(text_[i]) && text_[i] != ')') {
            ++i;
        }
        const auto range = functions_(text_.substr(begin, i - begin));
        if (!range) {
            return wrong(kNoFunction, i + 1, "a function's name");
        }
        predicate.value = range->first;
        predicate.end = range->second;
        return {};
    }

    std::string_view text_;
    const std::vector<EventField>& fields_;
    const FunctionRange& functions_;
};

}  // namespace

tl::expected<EventFilter, FilterError> EventFilter::parse(std::string_view text,
                                                          const std::vector<EventField>& fields,
                                                          const FunctionRange& functions) {
    return FilterParser(text, fields, functions).parse().map([&](Node node) {
        EventFilter filter;
        filter.text_ = text;
        filter.root_ = std::move(node);
        return filter;
    });
}

}  // namespace trapgate::kernel
