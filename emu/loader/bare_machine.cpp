// SPDX-License-Identifier: GPL-2.0-only
#include <utility>

#include "cpu/page_walk.hpp"
#include "emu/boot.hpp"
#include "emu/loader/long_mode.hpp"

namespace trapgate::emu {
namespace {

// The first pages of RAM hold the GDT and the tables; everything from kBareFreeRam on is the
// caller's.
constexpr GuestPa kGdt{0x1000};
constexpr GuestPa kPml4{0x2000};
constexpr GuestPa kPdpt{0x3000};
constexpr GuestPa kDirectory{0x4000};
constexpr std::uint64_t kMaxBareRam = 1ULL << 30;  // What one page directory maps.

}  // namespace

Result<std::unique_ptr<Machine>> make_bare_machine(const MachineConfig& config) {
    const std::uint64_t ram_bytes = config.ram_bytes;
    if (ram_bytes > kMaxBareRam) {
        return fail("a bare machine has at most 1 GiB of RAM", "--mem");
    }
    return Machine::create(config).and_then([&](std::unique_ptr<Machine> machine) {
        using namespace cpu::pte;
        PhysicalMemory& memory = machine->memory();
        constexpr std::uint64_t kFlags = kPresent | kWritable;
        write_entry(memory, kPml4, cpu::table_index(kBareDirectMap, 4), kPdpt.value | kFlags);
        write_entry(memory, kPdpt, cpu::table_index(kBareDirectMap, 3), kDirectory.value | kFlags);
        for (std::uint64_t at = 0; at < ram_bytes; at += 2ULL << 20) {
            write_entry(memory, kDirectory, static_cast<unsigned>(at >> 21), at | kFlags | kLarge);
        }
        cpu::RegisterFile registers = long_mode_registers(memory, kGdt, kPml4);
        registers.gdtr.base = kBareDirectMap.value + kGdt.value;
        registers.efer |= 1U << 11;  // NXE: the window's data pages are not executable.
        registers.cr0 |= 1U << 16;   // WP
        machine->cpu().set_registers(registers);
        return machine->map_window().map([&] { return std::move(machine); });
    });
}

}  // namespace trapgate::emu
