// SPDX-License-Identifier: GPL-2.0-only
// A hit as people and programs read it: the line of ftrace's trace file, and its parts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/events/record.hpp"

namespace trapgate::kernel {

/// What the guest was doing at a moment.
struct TraceContext {
    std::string task;  ///< "<idle>" for task 0, "<...>" when it is not known.
    std::uint32_t pid = 0;
    unsigned cpu = 0;
    std::uint64_t ns = 0;            ///< Virtual time.
    std::uint8_t flags = 0;          ///< kIrqsOff and so on.
    std::uint8_t preempt_count = 0;  ///< Of the guest, its low four bits.
};

/// Bits of common_flags (include/linux/trace_events.h).
inline constexpr unsigned kIrqsOff = 0x01;
inline constexpr unsigned kNeedResched = 0x04;
inline constexpr unsigned kHardIrq = 0x08;
inline constexpr unsigned kSoftIrq = 0x10;
inline constexpr unsigned kPreemptResched = 0x20;
inline constexpr unsigned kNmi = 0x40;
inline constexpr unsigned kBottomHalfOff = 0x80;

/// "            bash-1234    [000] d..1.     0.012345: TEXT", without a line's end.
[[nodiscard]] std::string trace_line(const TraceContext& context, std::string_view text);

/// One value: nothing for a fault.
using EventValue = std::variant<std::monostate, std::uint64_t, std::int64_t, std::string>;

struct EventArg {
    std::string name;
    std::string text;                ///< "0x3", "\"/etc/passwd\"", "{1,2}", "(fault)"
    std::vector<EventValue> values;  ///< One, or an array's.
    bool is_array = false;
};

/// A hit, shown.
struct EventView {
    std::string group, event;
    TraceContext context;
    std::string where;  ///< "vfs_read+0x0/0x60", or "ksys_read+0x2c/0x80 <- vfs_read" for a return.
    std::vector<EventArg> args;

    /// "open: (do_sys_openat2+0x0/0x80) dfd=0x3"
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string line() const { return trace_line(context, text()); }
};

/// Names of addresses: "vfs_read+0x0/0x60", and without the offset.
struct SymbolTexts {
    std::function<std::string(std::uint64_t)> with_offset;
    std::function<std::string(std::uint64_t)> name_only;
};

/// Shows a record of `definition`.
[[nodiscard]] EventView make_view(const ProbeDefinition& definition, const EventRecord& record,
                                  TraceContext context, const SymbolTexts& symbols);

}  // namespace trapgate::kernel
