// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/bare_guest.hpp"

#include <span>
#include <utility>

#include "cpu/page_walk.hpp"
#include "emu/devices/io_apic.hpp"
#include "emu/devices/local_apic.hpp"
#include "emu/loader/long_mode.hpp"

namespace trapgate::emu {

BareGuest::BareGuest(const std::vector<std::uint8_t>& code, unsigned cpus) {
    Result<std::unique_ptr<Machine>> made = make_bare_machine(
        {.ram_bytes = 16ULL << 20, .cpus = cpus});
    if (!made) {
        ADD_FAILURE() << made.error().message();
        std::abort();
    }
    machine = std::move(*made);
    put(kCode, code);
    machine->cpu().set_rip(kCode);
    machine->cpu().set_gpr(cpu::Gpr::Rsp, kStack.value);
}

void BareGuest::put(GuestVa at, const std::vector<std::uint8_t>& code) {
    EXPECT_TRUE(machine->write(at, std::as_bytes(std::span(code))));
}

GuestVa BareGuest::set_handler(std::uint8_t vector, const std::vector<std::uint8_t>& code) {
    const GuestVa handler = kHandlers + next_handler_;
    next_handler_ += 0x100;
    put(handler, code);
    constexpr std::uint64_t kGateFlags = 0x8e00;  // present, DPL 0, 64-bit interrupt gate
    constexpr std::uint64_t kSelector = 0x10;
    const std::uint64_t low = (handler.value & 0xffff) | (kSelector << 16) | (kGateFlags << 32) |
                              (((handler.value >> 16) & 0xffff) << 48);
    const std::uint64_t high = handler.value >> 32;
    std::vector<std::uint8_t> gate(16);
    std::memcpy(gate.data(), &low, 8);
    std::memcpy(gate.data() + 8, &high, 8);
    put(kIdt + 16ULL * vector, gate);
    cpu::RegisterFile registers = machine->cpu().registers();
    registers.idtr = {kIdt.value, 0xfff};
    machine->cpu().set_registers(registers);
    return handler;
}

StopEvent BareGuest::run(std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    return machine->run(limits);
}

std::uint64_t BareGuest::stack_word(unsigned index) const {
    return read_value<std::uint64_t>(*machine, GuestVa{gpr(cpu::Gpr::Rsp) + 8ULL * index})
        .value_or(0xdead);
}

void map_apics(Machine& machine) {
    using namespace cpu::pte;
    PhysicalMemory& memory = machine.memory();
    const GuestPa pml4{machine.cpu().cr3()};
    const GuestPa pdpt{*memory.read<std::uint64_t>(pml4 + 511ULL * 8) & kAddressMask};
    const GuestPa directory{0x5000};
    constexpr std::uint64_t kFlags = kPresent | kWritable;
    write_entry(memory, pml4, 0, pdpt.value | kFlags);
    write_entry(memory, pdpt, 3, directory.value | kFlags);
    for (const GuestPa device : {kLocalApicBase, kIoApicBase}) {
        write_entry(memory, directory, static_cast<unsigned>(device.value >> 21) & 0x1ff,
                    (device.value & ~0x1f'ffffULL) | kFlags | kLarge);
    }
}

std::vector<std::uint8_t> code_of(std::initializer_list<std::vector<std::uint8_t>> pieces) {
    std::vector<std::uint8_t> all;
    for (const std::vector<std::uint8_t>& piece : pieces) {
        all.insert(all.end(), piece.begin(), piece.end());
    }
    return all;
}

std::vector<std::uint8_t> out_byte(std::uint8_t port, std::uint8_t value) {
    return {0xb0, value, 0xe6, port};
}

}  // namespace trapgate::emu
