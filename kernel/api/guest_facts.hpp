// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "emu/symbols.hpp"

namespace trapgate::kernel {

/// Types of the PMUs this kernel has beyond the fixed ones, as
/// /sys/bus/event_source/devices/<name>/type gives them.
inline constexpr std::uint32_t kKprobePmuType = 6;

/// What the face tells of the guest. Everything referred to must outlive the HostKernel.
struct GuestFacts {
    std::function<const emu::SymbolTable&()> symbols;
    std::function<std::span<const std::byte>()> btf;  ///< The kernel's BTF; empty when it has none.
    std::function<std::uint64_t()> now_ns;            ///< Virtual time.
    std::string release = "6.1.0-trapgate";           ///< uname -r
    std::string version = "#1 SMP Trapgate";          ///< uname -v
    unsigned cpus = 1;
};

}  // namespace trapgate::kernel
