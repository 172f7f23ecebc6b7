// SPDX-License-Identifier: GPL-2.0-only
// Event filters: which hits are shown (Documentation/trace/events.rst, section 5).
//
//     dfd == -100 && (path ~ "/etc/*" || !(common_pid > 1))
//
// == != < <= > >= & for numbers, == != ~ (glob) for strings in quotes, FIELD.function == SYMBOL for
// addresses; && before ||. Not here: CPUS{...}.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/result.hpp"
#include "kernel/events/event_format.hpp"
#include "kernel/events/record.hpp"

namespace trapgate::kernel {

/// A mistake in a filter, in Linux's words.
struct FilterError {
    std::string_view text;  ///< "Field not found"
    std::size_t caret = 0;  ///< Where Linux points: behind what it could not take.
    std::string filter;
    std::string hint;
};

/// What Linux's filter file shows of a bad filter: itself, a caret below, "parse_error: ...".
[[nodiscard]] std::string filter_error_text(const FilterError& error);
/// What the error_log shows, behind the time.
[[nodiscard]] std::string filter_error_log(const FilterError& error);
[[nodiscard]] Error to_error(const FilterError& error);

/// How a filter names addresses: begin and end of a function.
using FunctionRange = std::function<std::optional<std::pair<std::uint64_t, std::uint64_t>>(
    std::string_view name)>;

/// What a filter sees of a hit besides the record.
struct FilterHit {
    const EventRecord& record;
    unsigned cpu = 0;
    std::string_view comm;
};

/// One comparison.
struct Predicate {
    enum class Op : std::uint8_t {
        Glob,
        NotEqual,
        Equal,
        LessEqual,
        Less,
        GreaterEqual,
        Greater,
        And
    };
    EventField field;
    Op op = Op::Equal;
    std::uint64_t value = 0;  ///< Of a number; the first address of a function.
    std::uint64_t end = 0;    ///< Of a function; 0: not a function.
    std::string pattern;      ///< Of a string.
    [[nodiscard]] bool matches(const FilterHit& hit) const;
};

class EventFilter {
public:
    /// Errors as Linux's, in its order.
    static tl::expected<EventFilter, FilterError> parse(std::string_view text,
                                                        const std::vector<EventField>& fields,
                                                        const FunctionRange& functions);
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool matches(const FilterHit& hit) const { return matches(hit, root_); }

    /// A predicate, or the "and" or "or" of others.
    struct Node {
        enum class Kind : std::uint8_t { Predicate, All, Any };
        Kind kind = Kind::All;
        bool negated = false;
        Predicate predicate;
        std::vector<Node> children;
    };

private:
    [[nodiscard]] static bool matches(const FilterHit& hit, const Node& node);
    std::string text_;
    Node root_;
};

/// Whether `text` fits the shell pattern: * ? [abc] [a-z] [!a] and \ for the next character itself.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace trapgate::kernel
