// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/filter.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

using Op = Predicate::Op;
using Kind = EventField::Kind;

template <class T>
bool compare(Op op, T left, T right) {
    switch (op) {
        case Op::Equal: return left == right;
        case Op::NotEqual: return left != right;
        case Op::LessEqual: return left <= right;
        case Op::Less: return left < right;
        case Op::GreaterEqual: return left >= right;
        case Op::Greater: return left > right;
        default: return (static_cast<std::uint64_t>(left) & static_cast<std::uint64_t>(right)) != 0;
    }
}

std::uint64_t cut(std::uint64_t value, std::size_t bytes, bool is_signed) {
    const unsigned unused = 64 - static_cast<unsigned>(bytes) * 8;
    return is_signed
               ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused)
               : (value << unused) >> unused;
}

// One character class at `at`, behind its '['. Nothing when it is not closed: then '[' is itself.
std::optional<bool> class_matches(std::string_view pattern, std::size_t& at, char c) {
    std::size_t i = at;
    const bool inverted = i < pattern.size() && pattern[i] == '!';
    i += inverted ? 1 : 0;
    bool found = false;
    const auto as_byte = [](char x) { return static_cast<unsigned char>(x); };
    for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
        const char low = pattern[i++];
        char high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            high = pattern[i + 1];
            i += 2;
        }
        found = found || (as_byte(low) <= as_byte(c) && as_byte(c) <= as_byte(high));
    }
    if (i >= pattern.size()) {
        return std::nullopt;
    }
    at = i + 1;
    return found != inverted;
}

// One character of text against one element of the pattern, which moves on.
bool element_matches(std::string_view pattern, std::size_t& at, char c) {
    const char p = pattern[at++];
    if (p == '?') {
        return true;
    }
    if (p == '[') {
        if (const std::optional<bool> in_class = class_matches(pattern, at, c)) {
            return *in_class;
        }
    }
    if (p == '\\' && at < pattern.size()) {
        return pattern[at++] == c;
    }
    return p == c;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::optional<std::size_t> star;  // Behind the last one; the text it has taken ends at `taken`.
    std::size_t taken = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            taken = t;
            continue;
        }
        std::size_t next = p;
        if (p < pattern.size() && element_matches(pattern, next, text[t])) {
            p = next;
            ++t;
            continue;
        }
        if (!star) {
            return false;
        }
        p = *star;
        t = ++taken;
    }
    return std::ranges::all_of(pattern.substr(p), [](char c) { return c == '*'; });
}

bool Predicate::matches(const FilterHit& hit) const {
    if (field.kind == Kind::Comm || field.kind == Kind::String) {
        const std::string_view text = field.kind == Kind::Comm ? hit.comm
                                                               : hit.record.string(field.offset);
        if (op != Op::Glob) {
            return (text == pattern) == (op == Op::Equal);
        }
        const bool inverted = pattern.starts_with('!');
        return glob_match(std::string_view(pattern).substr(inverted ? 1 : 0), text) != inverted;
    }
    const std::uint64_t left = field.kind == Kind::Cpu
                                   ? hit.cpu
                                   : hit.record.number(field.offset, field.size);
    if (end != 0) {
        return (left >= value && left < end) == (op == Op::Equal);
    }
    const std::uint64_t a = cut(left, field.size, field.is_signed);
    const std::uint64_t b = cut(value, field.size, field.is_signed);
    return field.is_signed ? compare(op, static_cast<std::int64_t>(a), static_cast<std::int64_t>(b))
                           : compare(op, a, b);
}

bool EventFilter::matches(const FilterHit& hit, const Node& node) {
    const auto fits = [&](const Node& child) { return matches(hit, child); };
    bool result = false;
    switch (node.kind) {
        case Node::Kind::Predicate: result = node.predicate.matches(hit); break;
        case Node::Kind::All: result = std::ranges::all_of(node.children, fits); break;
        case Node::Kind::Any: result = std::ranges::any_of(node.children, fits); break;
    }
    return result != node.negated;
}

std::string filter_error_text(const FilterError& error) {
    const std::size_t caret = std::min(error.caret, error.filter.size());
    return fmt::format("{}\n{:>{}}\nparse_error: {}\n", error.filter, "^", caret + 1, error.text);
}

std::string filter_error_log(const FilterError& error) {
    constexpr std::string_view kPrefix = "  Command: ";
    return fmt::format("event filter parse error: error: {}\n{}{}\n{:>{}}\n", error.text, kPrefix,
                       error.filter, "^", kPrefix.size() + error.caret + 1);
}

Error to_error(const FilterError& error) {
    std::string what = filter_error_log(error);
    what.pop_back();
    return {std::move(what), "", error.hint, EINVAL};
}

}  // namespace trapgate::kernel
