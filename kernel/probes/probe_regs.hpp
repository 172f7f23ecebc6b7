// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "cpu/registers.hpp"
#include "emu/cpu_state.hpp"

namespace trapgate::kernel {

/// The registers of the probed CPU, as a handler sees and changes them. Reads and writes go
/// straight to the CPU; valid only inside the handler that got it.
class ProbeRegs {
public:
    explicit ProbeRegs(emu::Cpu& cpu) : cpu_(cpu) {}

    [[nodiscard]] std::uint64_t operator[](cpu::Gpr index) const { return cpu_.gpr(index); }
    void set(cpu::Gpr index, std::uint64_t value) { cpu_.set_gpr(index, value); }

    /// In a pre handler the probed instruction's own address; in a post handler where the guest
    /// goes on.
    [[nodiscard]] GuestVa ip() const { return cpu_.rip(); }
    /// A pre handler that sets it must return non-zero, or the displaced instruction runs as if it
    /// had not.
    void set_ip(GuestVa ip) { cpu_.set_rip(ip); }
    [[nodiscard]] GuestVa sp() const { return {cpu_.gpr(cpu::Gpr::Rsp)}; }
    [[nodiscard]] std::uint64_t flags() const { return cpu_.rflags(); }
    void set_flags(std::uint64_t flags) { cpu_.set_rflags(flags); }

    /// Integer argument 0..5 by the System V ABI, at a function's entry.
    [[nodiscard]] std::uint64_t argument(unsigned index) const;
    /// RAX: a function's result at its return.
    [[nodiscard]] std::uint64_t return_value() const { return cpu_.gpr(cpu::Gpr::Rax); }

    [[nodiscard]] emu::Cpu& cpu() { return cpu_; }
    [[nodiscard]] const emu::Cpu& cpu() const { return cpu_; }

private:
    emu::Cpu& cpu_;
};

}  // namespace trapgate::kernel
