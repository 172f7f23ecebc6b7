// SPDX-License-Identifier: GPL-2.0-only
// One hit as a record, byte for byte as Linux lays it out in its ring buffer:
//
//     0   u16 common_type, u8 common_flags, u8 common_preempt_count, s32 common_pid
//     8   u64 __probe_ip                       (a return: u64 __probe_func, u64 __probe_ret_ip)
//     16  the arguments, packed                (24)
//     ... the strings, each with its NUL, where the argument's data_loc (length << 16 | offset)
//     says
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "bpf/runtime/pt_regs.hpp"
#include "kernel/events/definition.hpp"

namespace trapgate::kernel {

/// Guest memory through the page tables of the moment, without side effects.
class GuestReader {
public:
    virtual ~GuestReader() = default;
    /// All of `to`, or false.
    [[nodiscard]] virtual bool read(GuestVa va, std::span<std::byte> to) const = 0;
};

/// What fetch arguments see of a hit.
struct HitView {
    bpf::PtRegs regs;
    const GuestReader& memory;
    std::string comm;
    /// "vfs_read+0x4/0x60" for an address, as %pS prints it.
    std::function<std::string(std::uint64_t)> symbol_text;
    /// Where a symbol lies.
    std::function<std::optional<std::uint64_t>(std::string_view)> symbol_address;
    /// At a return: what ProbeDefinition::entry_args were at the function's entry.
    std::vector<std::uint64_t> entry_values;
};

/// The part that all events have.
struct RecordHead {
    std::uint16_t type = 0;
    std::uint8_t flags = 0;  ///< TRACE_FLAG_*
    std::uint8_t preempt_count = 0;
    std::int32_t pid = 0;
    std::uint64_t ip = 0;      ///< The probe's address.
    std::uint64_t ret_ip = 0;  ///< Returns only: where the function returns to.
};

struct EventRecord {
    std::vector<std::byte> bytes;
    /// Offsets in `bytes` of values that could not be read: they hold 0, and are shown as (fault).
    std::vector<std::size_t> faults;

    [[nodiscard]] bool faulted(std::size_t offset) const;
    /// `size` is 1, 2, 4 or 8.
    [[nodiscard]] std::uint64_t number(std::size_t offset, std::size_t size) const;
    /// The string whose data_loc is at `offset`, without its NUL.
    [[nodiscard]] std::string_view string(std::size_t offset) const;
};

/// Bytes in front of the arguments.
[[nodiscard]] constexpr std::size_t head_bytes(bool on_return) { return on_return ? 24 : 16; }

/// Longest string, its NUL included (PATH_MAX). All strings of a record together have at most
/// 64 KiB.
inline constexpr std::size_t kMaxString = 4096;

[[nodiscard]] EventRecord make_record(const ProbeDefinition& definition, const RecordHead& head,
                                      const HitView& hit);

/// The value of a function's integer argument `index`, from 0, at its entry.
[[nodiscard]] std::uint64_t argument_value(const bpf::PtRegs& regs, const GuestReader& memory,
                                           std::uint64_t index);

}  // namespace trapgate::kernel
