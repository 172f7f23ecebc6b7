// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "cpu/fpu_state.hpp"
#include "cpu/registers.hpp"

namespace trapgate::emu {

/// What a detour through host-planted code must put back: general registers, RIP, the CPU mode bits
/// and the flags in their lazy form. Opaque to everyone but the engine; cheap to copy.
struct CoreState {
    std::array<std::uint64_t, cpu::kGprCount> gpr{};
    std::uint64_t rip = 0;
    std::uint64_t eflags = 0;
    std::array<std::uint64_t, 3> lazy_operands{};
    std::uint32_t lazy_operation = 0;
    std::int32_t direction = 1;
    std::uint32_t hflags = 0;
    std::uint32_t hflags2 = 0;
};

/// An exception on its way to the guest's IDT.
struct ExceptionEvent {
    std::uint8_t vector = 0;
    bool software = false;  ///< Raised by INT n, INT3 or INTO (RIP is then behind the instruction).
    std::optional<std::uint32_t> error_code;
    GuestVa rip;            ///< What the frame would hold.
    std::uint64_t cr2 = 0;  ///< Valid for #PF.
};

/// One x86-64 CPU, as tools and probes see it. All calls are for the machine's own thread, between
/// blocks or from a handler; never from a device callback.
class Cpu {
public:
    virtual ~Cpu() = default;

    [[nodiscard]] virtual cpu::RegisterFile registers() const = 0;
    /// Sets everything, hidden segment parts included.
    virtual void set_registers(const cpu::RegisterFile& registers) = 0;

    [[nodiscard]] virtual cpu::FpuState fpu() const = 0;
    virtual void set_fpu(const cpu::FpuState& fpu) = 0;

    [[nodiscard]] virtual std::uint64_t gpr(cpu::Gpr index) const = 0;
    virtual void set_gpr(cpu::Gpr index, std::uint64_t value) = 0;
    [[nodiscard]] virtual GuestVa rip() const = 0;
    virtual void set_rip(GuestVa rip) = 0;
    [[nodiscard]] virtual std::uint64_t rflags() const = 0;
    virtual void set_rflags(std::uint64_t rflags) = 0;
    [[nodiscard]] virtual std::uint64_t cr3() const = 0;
    [[nodiscard]] virtual unsigned cpl() const = 0;

    /// Model-specific registers of the CPU itself (not of the platform: emu/msrs.hpp).
    [[nodiscard]] virtual std::uint64_t msr(std::uint32_t index) const = 0;
    virtual void set_msr(std::uint32_t index, std::uint64_t value) = 0;

    /// Holds interrupts back for one instruction, as STI and MOV SS do.
    virtual void set_interrupt_shadow() = 0;

    [[nodiscard]] virtual CoreState save_core() const = 0;
    virtual void restore_core(const CoreState& state) = 0;
    /// Prepares to run host-planted code: CPL 0, 64-bit, IF and TF clear, the given RIP and RSP.
    /// Other general registers stay.
    virtual void enter_detour(GuestVa rip, GuestVa rsp) = 0;

    /// Instructions retired since reset, exact at every point where this class may be called.
    [[nodiscard]] virtual std::uint64_t instructions() const = 0;
};

}  // namespace trapgate::emu
