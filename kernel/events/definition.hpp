// SPDX-License-Identifier: GPL-2.0-only
// A probe as kprobe_events writes it (Documentation/trace/kprobetrace.rst):
//
//     p[:[GRP/][EVENT]] [MOD:]SYM[+OFFS]|ADDR [FETCHARGS] [if FILTER]      where control arrives
//     r[MAXACTIVE][:[GRP/][EVENT]] [MOD:]SYM[+0] [FETCHARGS] [if FILTER]   where a function returns
//     p[:[GRP/][EVENT]] [MOD:]SYM[+0]%return [FETCHARGS] [if FILTER]       the same
//     -:[GRP/][EVENT]                                                      takes events away
//
// "if FILTER" is the syntax of Linux's event probes (e:...), taken over for the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "kernel/events/fetch_arg.hpp"
#include "kernel/events/kernel_facts.hpp"
#include "kernel/events/probe_error.hpp"

namespace trapgate::kernel {

inline constexpr std::string_view kDefaultGroup = "kprobes";

struct ProbeDefinition {
    bool on_return = false;
    unsigned max_active = 0;  ///< 0: the default.
    std::string group{kDefaultGroup};
    std::string event;   ///< Default: "p_SYMBOL_OFFSET", as Linux names it.
    std::string symbol;  ///< "MOD:SYM" for a module's; empty for an address.
    std::uint64_t offset = 0;
    std::optional<GuestVa> address;
    std::vector<FetchArg> args;
    /// Of a function's arguments, which are saved at its entry for its return: indexes.
    std::vector<unsigned> entry_args;
    std::optional<std::string> filter;
    bool operator==(const ProbeDefinition&) const = default;

    /// "kprobes/open"
    [[nodiscard]] std::string name() const { return group + "/" + event; }
    /// "do_sys_openat2+8", "0xffffffff81001ca0": the offset in decimals, as Linux lists it.
    [[nodiscard]] std::string place() const;
    /// The line that kprobe_events shows, without its end; parsed again it is the same definition
    /// (but for the filter, which has a file of its own).
    [[nodiscard]] std::string text() const;
    /// Bytes of all arguments in a record, strings' own bytes not counted.
    [[nodiscard]] std::size_t args_bytes() const;
};

/// A command's words and where each begins when one space is between them.
struct CommandWords {
    explicit CommandWords(std::string_view line);
    std::vector<std::string> words;
    std::vector<std::size_t> starts;
    std::string command;
};

/// A line of kprobe_events that begins with p or r.
[[nodiscard]] ProbeResult<ProbeDefinition> parse_definition(std::string_view line,
                                                            const KernelFacts& facts);

/// A bare "SYMBOL[+OFFSET]" or address is short for "p" at that place; anything else stays.
[[nodiscard]] std::string with_kind(std::string_view line);

/// "-:[GRP/][EVENT] [PLACE [ARGS]]": all events that fit.
struct RemoveCommand {
    std::optional<std::string> group;
    std::string event;              ///< Empty: all of the group.
    std::vector<std::string> rest;  ///< Place and "NAME=ARG" of the ones meant; may be empty.
    [[nodiscard]] bool matches(const ProbeDefinition& definition) const;
};
[[nodiscard]] ProbeResult<RemoveCommand> parse_remove(std::string_view line);

}  // namespace trapgate::kernel
