// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace trapgate::kernel {

/// A probe as kprobe_events writes it (Documentation/trace/kprobetrace.rst): "p[:[GRP/]EVENT]
/// SYMBOL[+OFFSET]". A bare "SYMBOL[+OFFSET]" is the same with the event's default name.
struct ProbeDefinition {
    std::string group = "kprobes";
    std::string event;  ///< Default: "p_SYMBOL_OFFSET", as Linux names it.
    std::string symbol;
    std::uint64_t offset = 0;
    bool operator==(const ProbeDefinition&) const = default;
};

/// Errors name the definition and the part that is wrong. Return probes and fetch arguments are
/// refused.
[[nodiscard]] Result<ProbeDefinition> parse_probe_definition(std::string_view text);

}  // namespace trapgate::kernel
