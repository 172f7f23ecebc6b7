// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/several_cpus.hpp"

#include <cstring>
#include <utility>

#include "cpu/page_walk.hpp"
#include "emu/loader/long_mode.hpp"

// several_cpus_guest.S
extern "C" const std::uint8_t cpus_trampoline, cpus_trampoline_end, cpus_main, cpus_secondary,
    cpus_wake, cpus_end;

namespace trapgate::emu {
namespace {

constexpr GuestPa kTrampoline{0x8000};
constexpr GuestPa kShared{0x9000};
constexpr GuestPa kFunction{0xa000};

GuestVa low(GuestPa pa) { return kBareDirectMap + pa.value; }

std::uint64_t address_of(const std::uint8_t& place) {
    return BareGuest::kCode.value + static_cast<std::uint64_t>(&place - &cpus_main);
}

// RAM also at its physical addresses, where CPUs start, and the local APICs.
void map_low_memory(Machine& machine) {
    using namespace cpu::pte;
    map_apics(machine);
    const GuestPa pml4{machine.cpu().cr3()};
    const GuestPa pdpt{*machine.memory().read<std::uint64_t>(pml4 + 511ULL * 8) & kAddressMask};
    write_entry(machine.memory(), pdpt, 0,
                *machine.memory().read<std::uint64_t>(pdpt + 510ULL * 8));
}

}  // namespace

SeveralCpus::SeveralCpus(unsigned cpus) {
    MachineConfig config;
    config.ram_bytes = 16ULL << 20;
    config.cpus = cpus;
    machine = std::move(make_bare_machine(config)).value();
    map_low_memory(*machine);
    const std::span<const std::uint8_t> main(&cpus_main, &cpus_end);
    put(BareGuest::kCode, main);
    put(low(kTrampoline), {&cpus_trampoline, &cpus_trampoline_end});
    put(low(kFunction), std::vector<std::uint8_t>{0xb8, 0, 0, 0, 0, 0xc3});  // mov eax, 0; ret
    word(kShared + 0x20, cpus - 1);
    // GDT: null, 32-bit code, 64-bit code, data.
    word(kShared + 0x188, 0x00cf'9b00'0000'ffff);
    word(kShared + 0x190, 0x00af'9b00'0000'ffff);
    word(kShared + 0x198, 0x00cf'9300'0000'ffff);
    word(kShared + 0x100, 0x001f | ((kShared + 0x180).value << 16));
    word(kShared + 0x110, machine->cpu().cr3());
    word(kShared + 0x118, address_of(cpus_secondary));
    word(kShared + 0x120, 0x0fff | (BareGuest::kIdt.value << 16));
    word(kShared + 0x128, BareGuest::kIdt.value >> 48);
    set_gate(0x40, address_of(cpus_wake));
    machine->cpu().set_rip(BareGuest::kCode);
    machine->cpu().set_gpr(cpu::Gpr::Rsp, BareGuest::kStack.value);
}

StopEvent SeveralCpus::run(std::uint64_t max_instructions) {
    RunLimits limits;
    limits.max_instructions = max_instructions;
    return machine->run(limits);
}

StopEvent SeveralCpus::run_in_pieces(std::uint64_t piece) {
    StopEvent stop;
    do {
        stop = run(machine->counters().instructions + piece);
    } while (stop.reason == StopReason::InsnLimit);
    return stop;
}

SeveralCpus::State SeveralCpus::state(const StopEvent& stop) const {
    State state{.stop = stop,
                .counters = machine->counters(),
                .registers = {},
                .instructions = {},
                .low_memory = {}};
    for (unsigned i = 0; i < machine->cpu_count(); ++i) {
        state.registers.push_back(std::as_const(*machine).cpu(i).registers());
        state.instructions.push_back(std::as_const(*machine).cpu(i).instructions());
    }
    const std::span<std::byte> memory = machine->memory().view(GuestPa{0}, 768 << 10);
    state.low_memory.assign(memory.begin(), memory.end());
    return state;
}

std::uint64_t SeveralCpus::shared(std::uint64_t offset) const {
    return *machine->memory().read<std::uint64_t>(kShared + offset);
}

void SeveralCpus::put(GuestVa at, std::span<const std::uint8_t> bytes) {
    ASSERT_TRUE(machine->write(at, std::as_bytes(bytes)));
}

void SeveralCpus::word(GuestPa at, std::uint64_t value) {
    std::memcpy(machine->memory().view(at, 8).data(), &value, 8);
}

void SeveralCpus::set_gate(unsigned vector, std::uint64_t handler) {
    constexpr std::uint64_t kInterruptGate = 0x8e00'0010'0000;  // selector 0x10
    word(GuestPa{BareGuest::kIdt.value - kBareDirectMap.value + 16ULL * vector},
         (handler & 0xffff) | kInterruptGate | ((handler >> 16 & 0xffff) << 48));
    word(GuestPa{BareGuest::kIdt.value - kBareDirectMap.value + 16ULL * vector + 8}, handler >> 32);
}

}  // namespace trapgate::emu
