// SPDX-License-Identifier: GPL-2.0-only
// Reads a whole definition. The order of the checks is Linux's (kernel/trace/trace_kprobe.c, 6.12),
// because it decides which of two mistakes is reported.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kernel/events/definition.hpp"
#include "kernel/events/numbers.hpp"

namespace trapgate::kernel {
namespace {

using enum ProbeErrorCode;

constexpr std::size_t kMaxName = 64;         // MAX_EVENT_NAME_LEN, its end included
constexpr std::uint64_t kMaxActive = 4096;   // KRETPROBE_MAXACTIVE_MAX
constexpr std::size_t kMaxArgs = 128;        // MAX_TRACE_ARGS
constexpr std::size_t kExpandedBytes = 128;  // MAX_BTF_ARGS_LEN
constexpr std::uint64_t kMaxArgNumber = 2048;

constexpr std::string_view kForm =
    "p[:[GROUP/]EVENT] SYMBOL[+OFFSET]|ADDRESS [NAME=ARG[:TYPE]]..., r: for a function's return, "
    "or just SYMBOL";
constexpr std::string_view kNameRule = "letters, digits and underscores, not starting with a digit";

// Groups may have a hyphen, too.
bool is_good_group(std::string_view name) {
    std::string plain(name);
    std::ranges::replace(plain, '-', '_');
    return is_good_name(plain);
}

/// One word of the arguments, as typed or made of $arg*.
struct ArgWord {
    std::string text;
    std::size_t index;  ///< Of the word it came from.
};

class DefinitionParser {
public:
    DefinitionParser(std::string_view line, const KernelFacts& facts)
        : words_(line), facts_(facts) {}

    ProbeResult<ProbeDefinition> parse() {
        return check_kind()
            .and_then([&] { return parse_max_active(); })
            .and_then([&] { return parse_place(); })
            .and_then([&] { return parse_name(); })
            .and_then([&] { return take_filter(); })
            .and_then([&] { return expand_args(); })
            .and_then([&] { return parse_args(); })
            .map([&] { return std::move(definition_); });
    }

private:
    [[nodiscard]] tl::unexpected<ProbeError> wrong(ProbeErrorCode code, std::size_t word,
                                                   std::size_t offset, std::string hint = {},
                                                   int linux_errno = EINVAL) const {
        // A word that is missing is shown behind the last one.
        const std::size_t start = word < words_.starts.size() ? words_.starts[word]
                                                              : words_.command.size() + 1;
        return tl::unexpected(
            ProbeError{code, start + offset, words_.command, std::move(hint), linux_errno});
    }
    [[nodiscard]] const std::string& head() const { return words_.words[0]; }

    ProbeResult<void> check_kind() {
        if (words_.words.empty() || (head()[0] != 'p' && head()[0] != 'r')) {
            return wrong(NoCommand, 0, 0, std::string(kForm));
        }
        if (words_.words.size() < 2) {
            return wrong(NoCommand, 1, 0, "the place to probe is missing: " + std::string(kForm));
        }
        definition_.on_return = head()[0] == 'r';
        return {};
    }

    ProbeResult<void> parse_max_active() {
        if (head().size() < 2 || !is_digit(head()[1])) {
            return {};
        }
        if (!definition_.on_return) {
            return wrong(BadMaxactType, 0, 1, "p:EVENT SYMBOL, or r100:EVENT SYMBOL");
        }
        const std::string number = head().substr(1, head().find(':') - 1);
        const std::optional<std::uint64_t> count = number.size() < kMaxName ? parse_unsigned(number)
                                                                            : std::nullopt;
        if (!count || *count == 0 || *count > std::numeric_limits<std::uint32_t>::max()) {
            return wrong(BadMaxact, 0, 1, "how many calls may be under way at once: r100");
        }
        if (*count > kMaxActive) {
            return wrong(MaxactTooBig, 0, 1, fmt::format("at most {}", kMaxActive));
        }
        definition_.max_active = static_cast<unsigned>(*count);
        return {};
    }

    ProbeResult<void> parse_place() {
        std::string place = words_.words[1];
        if (const std::optional<std::uint64_t> address = parse_unsigned(place)) {
            definition_.address = GuestVa{*address};
            return {};
        }
        if (const std::size_t percent = place.find('%'); percent != std::string::npos) {
            if (place.substr(percent) != "%return") {
                return wrong(BadAddrSuffix, 1, percent, "SYMBOL%return, or SYMBOL alone");
            }
            place.resize(percent);
            definition_.on_return = true;
        }
        const std::size_t sign = place.find_first_of("+-");
        if (sign != std::string::npos) {
            const std::optional<std::int64_t> offset = parse_signed(place.substr(sign));
            if (!offset || *offset < 0 || *offset > std::numeric_limits<std::uint32_t>::max()) {
                return wrong(BadProbeAddr, 1, 0, "SYMBOL+0x1c or SYMBOL+28");
            }
            definition_.offset = static_cast<std::uint64_t>(*offset);
            place.resize(sign);
        }
        definition_.symbol = place;
        return check_symbol();
    }

    ProbeResult<void> check_symbol() {
        const std::string& symbol = definition_.symbol;
        // Of a module that is not there Linux does not know the symbols either.
        const bool in_module = symbol.find(':') != std::string::npos;
        const unsigned count = facts_.symbols_named(symbol);
        if (count == 0 && !in_module) {
            return wrong(BadProbeAddr, 1, 0, no_such_symbol(symbol));
        }
        if (count > 1) {
            return wrong(NonUniqSymbol, 1, 0,
                         fmt::format("{} symbols have this name: probe one by its address", count));
        }
        place_.function = symbol;
        place_.on_return = definition_.on_return;
        place_.at_entry = !definition_.on_return && definition_.offset == 0;
        return definition_.on_return && definition_.offset != 0
                   ? wrong(BadRetprobe, 1, 0, "probe the function itself: r:EVENT " + symbol)
                   : ProbeResult<void>();
    }

    [[nodiscard]] std::string no_such_symbol(const std::string& symbol) const {
        const std::string near = facts_.near_symbols(symbol);
        return fmt::format("the kernel has no symbol {}; {}", symbol,
                           near.empty() ? "nm IMAGE lists what it has" : near);
    }

    ProbeResult<void> parse_name() {
        const std::size_t colon = head().find(':');
        std::string event = colon == std::string::npos ? "" : head().substr(colon + 1);
        if (colon == std::string::npos) {
            definition_.event = default_event();
            return {};
        }
        std::size_t at = colon + 1;
        std::size_t slash = event.find('/');
        slash = slash == std::string::npos ? event.find('.') : slash;
        if (slash != std::string::npos) {
            definition_.group = event.substr(0, slash);
            if (slash == 0) {
                return wrong(NoGroupName, 0, at, "GROUP/EVENT, or EVENT alone");
            }
            if (slash + 1 > kMaxName) {
                return wrong(GroupTooLong, 0, at, fmt::format("at most {}", kMaxName - 1));
            }
            if (!is_good_group(definition_.group)) {
                return wrong(BadGroupName, 0, at, std::string(kNameRule));
            }
            event.erase(0, slash + 1);
            at += slash + 1;
            if (event.empty()) {
                definition_.event = default_event();
                return {};
            }
        }
        if (event.empty()) {
            return wrong(NoEventName, 0, at, "p:EVENT SYMBOL, or p SYMBOL");
        }
        if (event.size() >= kMaxName) {
            return wrong(EventTooLong, 0, at, fmt::format("at most {}", kMaxName - 1));
        }
        if (!is_good_name(event)) {
            return wrong(BadEventName, 0, at, std::string(kNameRule));
        }
        definition_.event = std::move(event);
        return {};
    }

    // Symbols such as foo.isra.0 hold what a name cannot.
    [[nodiscard]] std::string default_event() const {
        std::string name = fmt::format("{}_", definition_.on_return ? 'r' : 'p');
        name += definition_.address ? fmt::format("{:#018x}", definition_.address->value)
                                    : fmt::format("{}_{}", definition_.symbol, definition_.offset);
        name.resize(std::min(name.size(), kMaxName - 1));
        std::ranges::replace_if(name, [](char c) { return !is_letter(c) && !is_digit(c); }, '_');
        return name;
    }

    ProbeResult<void> take_filter() {
        args_end_ = words_.words.size();
        const auto begin = words_.words.begin() + 2;
        const auto found = std::find(begin, words_.words.end(), "if");
        if (found == words_.words.end()) {
            return {};
        }
        args_end_ = static_cast<std::size_t>(found - words_.words.begin());
        if (found + 1 == words_.words.end()) {
            return wrong(NoEpFilter, args_end_, 0, "if FIELD == VALUE");
        }
        definition_.filter = fmt::format("{}", fmt::join(found + 1, words_.words.end(), " "));
        return {};
    }

    // $arg* becomes all arguments, $argN one, by their names, where BTF knows them.
    ProbeResult<void> expand_args() {
        std::optional<std::size_t> all;
        bool any = false;
        for (std::size_t i = 2; i < args_end_; ++i) {
            const std::string& word = words_.words[i];
            if (!word.starts_with("$arg")) {
                continue;
            }
            const bool every = word.substr(4).starts_with('*');
            if ((!place_.at_entry && !place_.on_return) || (every && !place_.at_entry)) {
                return wrong(NofentryArgs, i, 0,
                             place_.on_return ? "name them one by one: $arg1"
                                              : "a function's arguments are known at its entry");
            }
            if (!every && (word.size() == 4 || !is_digit(word[4]))) {
                return wrong(BadVar, i, 0, "$argN is the Nth argument, $arg* are all");
            }
            if (every && all) {
                return wrong(DoubleArgs, i, 0, "leave one of them out");
            }
            any = true;
            all = every ? std::optional(i) : all;
        }
        const std::optional<BtfFunction> function = any ? facts_.function(place_.function)
                                                        : std::nullopt;
        const bool known = function && !function->parameters.empty();
        if (all && !known) {
            return wrong(NosupBtfarg, *all, 0, "name them one by one: $arg1", EOPNOTSUPP);
        }
        return add_words(known ? &*function : nullptr, all);
    }

    ProbeResult<void> add_words(const BtfFunction* function, std::optional<std::size_t> all) {
        std::size_t expanded = 0;
        const auto fits = [&](const std::string& text) {
            expanded += text.size() + 1;
            return expanded <= kExpandedBytes;
        };
        for (std::size_t i = 2; i < args_end_; ++i) {
            const std::string& word = words_.words[i];
            if (function == nullptr || !word.starts_with("$arg")) {
                arg_words_.push_back({word, i});
                continue;
            }
            if (all == i) {
                for (const BtfFunction::Parameter& parameter : function->parameters) {
                    if (!fits(parameter.name)) {
                        return wrong(Args2long, i, 0, "name the ones you need", E2BIG);
                    }
                    arg_words_.push_back({parameter.name, i});
                }
                continue;
            }
            const LeadingNumber number = leading_number(std::string_view(word).substr(4), 10);
            const std::string rest = word.substr(4 + number.length);
            if (!rest.empty() && rest[0] != ':') {
                return wrong(BadVar, i, 0, "$argN is the Nth argument, $arg* are all", ENOENT);
            }
            if (number.value == 0 || number.value > kMaxArgNumber) {
                return wrong(BadArgNum, i, 0, "$arg1 is the first one");
            }
            if (number.value > function->parameters.size()) {
                return wrong(NoBtfarg, i, 0,
                             fmt::format("{} has {} argument{}", place_.function,
                                         function->parameters.size(),
                                         function->parameters.size() == 1 ? "" : "s"),
                             ENOENT);
            }
            arg_words_.push_back({function->parameters[number.value - 1].name + rest, i});
            if (!fits(arg_words_.back().text)) {
                return wrong(Args2long, i, 0, "name the ones you need", E2BIG);
            }
        }
        return {};
    }

    ProbeResult<void> parse_args() {
        if (arg_words_.size() > kMaxArgs) {
            return wrong(TooManyArgs, 2 + kMaxArgs, 0, fmt::format("at most {}", kMaxArgs), E2BIG);
        }
        for (const ArgWord& word : arg_words_) {
            tl::expected<FetchArg, FetchError> arg = parse_fetch_arg(
                word.text, definition_.args, place_, facts_, definition_.entry_args);
            if (!arg) {
                const FetchError& error = arg.error();
                const bool as_typed = word.text == words_.words[word.index];
                return wrong(error.code, word.index, as_typed ? error.offset : 0, error.hint,
                             error.linux_errno);
            }
            definition_.args.push_back(std::move(*arg));
        }
        return {};
    }

    CommandWords words_;
    const KernelFacts& facts_;
    ProbeDefinition definition_;
    FetchPlace place_;
    std::size_t args_end_ = 0;
    std::vector<ArgWord> arg_words_;
};

}  // namespace

ProbeResult<ProbeDefinition> parse_definition(std::string_view line, const KernelFacts& facts) {
    return DefinitionParser(line, facts).parse();
}

}  // namespace trapgate::kernel
