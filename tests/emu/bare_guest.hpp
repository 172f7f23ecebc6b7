// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "emu/boot.hpp"

namespace trapgate::emu {

/// A bare machine that runs hand-assembled code at kCode with a stack, and an IDT on request.
class BareGuest {
public:
    static constexpr GuestVa kCode = kBareDirectMap + 0x10000;
    static constexpr GuestVa kHandlers = kBareDirectMap + 0x20000;
    static constexpr GuestVa kIdt = kBareDirectMap + 0x30000;
    static constexpr GuestVa kStack = kBareDirectMap + 0x80000;

    explicit BareGuest(const std::vector<std::uint8_t>& code, unsigned cpus = 1);

    void put(GuestVa at, const std::vector<std::uint8_t>& code);
    /// An interrupt gate (type 14) for `vector` at a handler with this code; switches to an IST
    /// stack if given.
    GuestVa set_handler(std::uint8_t vector, const std::vector<std::uint8_t>& code);
    StopEvent run(std::uint64_t instructions = 1'000'000);
    [[nodiscard]] std::uint64_t gpr(cpu::Gpr index) const { return machine->cpu().gpr(index); }
    [[nodiscard]] std::uint64_t stack_word(unsigned index) const;

    std::unique_ptr<Machine> machine;

private:
    std::uint64_t next_handler_ = 0;
};

/// Maps the registers of the local APICs and of the IO-APIC at their physical addresses.
void map_apics(Machine& machine);

/// The code pieces one after the other.
std::vector<std::uint8_t> code_of(std::initializer_list<std::vector<std::uint8_t>> pieces);

/// mov al, value; out port, al
std::vector<std::uint8_t> out_byte(std::uint8_t port, std::uint8_t value);

/// xor eax, eax; out 0xf4, eax: ends the run with status 0.
inline const std::vector<std::uint8_t> kExit{0x31, 0xc0, 0xe7, 0xf4};

}  // namespace trapgate::emu
