// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "emu/boot.hpp"

namespace trapgate::kernel::test {

/// A bare machine with one piece of code that the test program carries as inline assembly:
/// everything between two labels, copied to kCode. The code ends with HLT; interrupts are off.
class BareGuest {
public:
    static constexpr GuestVa kCode = emu::kBareDirectMap + 0x10000;
    static constexpr GuestVa kStackBottom = emu::kBareDirectMap + 0x70000;
    static constexpr GuestVa kStackTop = emu::kBareDirectMap + 0x80000;

    BareGuest(const char* begin, const char* end, std::vector<emu::Symbol> symbols = {});

    /// Runs from kCode to the HLT, or to the limit.
    emu::StopEvent run(std::uint64_t max_instructions = 1'000'000);

    /// What the guest can see of itself at the end: registers, code page (with its data) and stack.
    struct Outcome {
        cpu::RegisterFile registers;
        std::vector<std::byte> code;
        std::vector<std::byte> stack;
        bool operator==(const Outcome&) const = default;
    };
    [[nodiscard]] Outcome outcome() const;

    [[nodiscard]] emu::Machine& machine() { return *machine_; }

private:
    std::unique_ptr<emu::Machine> machine_;
    std::size_t code_bytes_ = 0;
};

}  // namespace trapgate::kernel::test

/// Defines guest code NAME from assembly text (AT&T); its bytes are [NAME_begin, NAME_end).
#define TRAPGATE_GUEST_CODE(name, text)                                                           \
    extern "C" {                                                                                  \
    extern const char name##_begin[];                                                             \
    extern const char name##_end[];                                                               \
    }                                                                                             \
    asm(".pushsection .rodata\n.globl " #name "_begin\n" #name "_begin:\n" text "\n.globl " #name \
        "_end\n" #name "_end:\n.popsection\n")
