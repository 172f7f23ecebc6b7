// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/wild/device_storm.hpp"

#include <array>
#include <span>
#include <utility>

#include <gtest/gtest.h>

#include "tests/emu/bare_guest.hpp"

// device_storm_guest.S
extern "C" const std::uint8_t storm_begin, storm_main, storm_handler, storm_end;

namespace trapgate::emu {
namespace {

constexpr std::uint64_t kAllKinds = 0xffff;
constexpr std::uint64_t kUntamed = 1ULL << 16;

GuestVa address_of(const std::uint8_t& place) { return BareGuest::kCode + (&place - &storm_begin); }

void write(Machine& machine, GuestVa at, std::span<const std::byte> bytes) {
    ASSERT_TRUE(machine.write(at, bytes));
}

}  // namespace

DeviceStorm::DeviceStorm(std::uint64_t seed) : machine(std::move(make_bare_machine()).value()) {
    map_apics(*machine);
    write(*machine, BareGuest::kCode, std::as_bytes(std::span(&storm_begin, &storm_end)));
    const std::uint64_t handler = address_of(storm_handler).value;
    constexpr std::uint64_t kInterruptGate = 0x8e00'0010'0000;  // selector 0x10
    const std::array<std::uint64_t, 2> gate{
        (handler & 0xffff) | kInterruptGate | ((handler >> 16 & 0xffff) << 48), handler >> 32};
    for (std::uint64_t vector = 0; vector < 256; ++vector) {
        write(*machine, BareGuest::kIdt + 16 * vector, std::as_bytes(std::span(gate)));
    }
    cpu::RegisterFile registers = machine->cpu().registers();
    registers.idtr = {BareGuest::kIdt.value, 0xfff};
    registers.rip = address_of(storm_main).value;
    registers[cpu::Gpr::Rsp] = BareGuest::kStack.value;
    registers[cpu::Gpr::Rbx] = seed * 0x9e37'79b9'7f4a'7c15 + 1;
    // Every fourth seed may do anything; the others leave out two kinds of access, so that what the
    // rest sets up lasts longer.
    const std::uint64_t without = (1ULL << (seed % 16)) | (1ULL << (seed / 16 % 16));
    registers[cpu::Gpr::Rbp] = seed % 4 == 3 ? kAllKinds | kUntamed : kAllKinds & ~without;
    machine->cpu().set_registers(registers);
    machine->set_console_sink([](std::string_view) {});
}

StopEvent DeviceStorm::run_to(std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    for (;;) {
        const StopEvent stop = machine->run(limits);
        if (stop.reason != StopReason::GuestExit && stop.reason != StopReason::Shutdown &&
            stop.reason != StopReason::Panic) {
            return stop;
        }
    }
}

}  // namespace trapgate::emu
