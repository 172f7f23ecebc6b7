// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <functional>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {

enum class Mode : std::uint8_t { Kernel, User };

/// How a gate of the IDT leads to its handler.
struct Gate {
    unsigned dpl = 3;
    unsigned ist = 0;
    unsigned type = 0xe;  ///< 64-bit interrupt gate; 0xf is a trap gate.
    bool present = true;
};

/// What the CPU pushed for a handler.
struct Frame {
    std::uint64_t error_code = 0;  ///< 0 when there is none.
    std::uint64_t rip = 0, cs = 0, rflags = 0, rsp = 0, ss = 0;
};

/// A bare machine with a TSS, user segments and user-accessible memory, whose code runs at CPL 0
/// or 3.
class ModeGuest : public BareGuest {
public:
    static constexpr GuestVa kGdt = kBareDirectMap + 0x1000;
    static constexpr GuestVa kTss = kBareDirectMap + 0x5'0000;
    static constexpr GuestVa kRsp0 = kBareDirectMap + 0xb'0000;
    static constexpr GuestVa kNowhere{0x1234'5000};  ///< Not mapped.

    static constexpr std::uint16_t kKernelCode = 0x10, kKernelData = 0x18;
    static constexpr std::uint16_t kUserCode32 = 0x23, kUserData = 0x2b, kUserCode = 0x33;
    static constexpr std::uint16_t kTssSelector = 0x38;
    static constexpr std::uint16_t kAbsentKernelData = 0x48, kAbsentUserData = 0x53;
    static constexpr std::uint16_t kKernelCode32 = 0x58;

    ModeGuest(Mode mode, const std::vector<std::uint8_t>& code);

    static constexpr GuestVa ist_stack(unsigned ist) {
        return kBareDirectMap + 0xc'0000 + 0x1000ULL * ist;
    }
    /// A handler with this code behind this gate; returns its address.
    GuestVa handle(std::uint8_t vector, const std::vector<std::uint8_t>& code = kExit,
                   Gate gate = {});
    void change(const std::function<void(cpu::RegisterFile&)>& edit);
    /// Runs code at CPL 0 that ends with kExit, then puts the registers back.
    void run_kernel_code(const std::vector<std::uint8_t>& code);
    /// The frame at the top of the stack.
    [[nodiscard]] Frame frame(bool with_error_code) const;
    /// Where a handler's RSP is when it begins.
    [[nodiscard]] std::uint64_t handler_rsp(bool with_error_code, unsigned ist = 0) const;
    void set_tss_word(unsigned offset, std::uint64_t value);
    void set_descriptor(std::uint16_t selector, std::uint64_t value);

    [[nodiscard]] Mode mode() const { return mode_; }
    [[nodiscard]] std::uint64_t counted(std::uint8_t vector) const {
        return machine->counters().exceptions[vector];
    }

private:
    Mode mode_;
};

}  // namespace trapgate::emu
