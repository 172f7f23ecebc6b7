// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/address.hpp"
#include "base/result.hpp"
#include "cpu/registers.hpp"

namespace trapgate::emu {

/// What our engine's speed is compared with: libunicorn by its public API alone, in a copy of the
/// library in which nothing is replaced, without a single hook. It runs 64-bit code that needs no
/// computer around it, with paging.
class BareEngine {
public:
    /// `ram`, whole pages, is the physical memory from 0 on and must outlive it. Code lies below
    /// `code_end`: the library is slow where it cannot tell data from code. Of the registers it
    /// takes those that the public API can set: general ones, control registers, EFER, RFLAGS.
    static Result<std::unique_ptr<BareEngine>> create(std::span<std::byte> ram, GuestPa code_end,
                                                      const cpu::RegisterFile& registers);
    virtual ~BareEngine() = default;

    /// Runs from `from` until RIP is `until`. Errors: what the library says.
    virtual Result<void> run(GuestVa from, GuestVa until) = 0;
    [[nodiscard]] virtual std::uint64_t gpr(cpu::Gpr index) = 0;
    virtual void set_gpr(cpu::Gpr index, std::uint64_t value) = 0;
};

}  // namespace trapgate::emu
