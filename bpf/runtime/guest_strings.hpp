// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "emu/machine.hpp"

namespace trapgate::bpf {

/// TASK_SIZE_MAX of x86-64 with four-level tables: user addresses are below it.
inline constexpr std::uint64_t kUserEnd = 0x7fff'ffff'f000;

/// What the kernel's own copies may read (copy_from_kernel_nofault_allowed): canonical, above user
/// space and its guard page.
[[nodiscard]] constexpr bool is_kernel_address(std::uint64_t va) {
    return va >= 0xffff'8000'0000'0000;
}

/// Bytes from `va` up to the first NUL, without it, at most `limit`. Nothing when a byte cannot be
/// read first.
[[nodiscard]] std::optional<std::string> read_string(const emu::Machine& machine, GuestVa va,
                                                     std::size_t limit);

}  // namespace trapgate::bpf
