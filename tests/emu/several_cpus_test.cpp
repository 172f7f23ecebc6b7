// SPDX-License-Identifier: GPL-2.0-only
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "emu/loader/long_mode.hpp"
#include "tests/emu/bare_guest.hpp"

// several_cpus_guest.S
extern "C" const std::uint8_t cpus_trampoline, cpus_trampoline_end, cpus_main, cpus_secondary,
    cpus_wake, cpus_end;

namespace trapgate::emu {
namespace {

constexpr GuestPa kTrampoline{0x8000};
constexpr GuestPa kShared{0x9000};
constexpr GuestPa kFunction{0xa000};
constexpr std::uint64_t kWork = 1000;

struct State {
    StopEvent stop;
    Counters counters;
    std::vector<cpu::RegisterFile> registers;
    std::vector<std::uint64_t> instructions;
    std::vector<std::byte> low_memory;
    bool operator==(const State&) const = default;
};

/// The first CPU at cpus_main, the others waiting for it.
class SeveralCpus {
public:
    explicit SeveralCpus(unsigned cpus) {
        MachineConfig config;
        config.ram_bytes = 16ULL << 20;
        config.cpus = cpus;
        machine = std::move(*make_bare_machine(config));
        map_low_memory();
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

    StopEvent run(std::uint64_t max_instructions) {
        RunLimits limits;
        limits.max_instructions = max_instructions;
        return machine->run(limits);
    }
    StopEvent run_in_pieces(std::uint64_t piece) {
        StopEvent stop;
        do {
            stop = run(machine->counters().instructions + piece);
        } while (stop.reason == StopReason::InsnLimit);
        return stop;
    }

    [[nodiscard]] State state(const StopEvent& stop) const {
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
    [[nodiscard]] std::uint64_t shared(std::uint64_t offset) const {
        return *machine->memory().read<std::uint64_t>(kShared + offset);
    }

    std::unique_ptr<Machine> machine;

private:
    static GuestVa low(GuestPa pa) { return kBareDirectMap + pa.value; }
    static std::uint64_t address_of(const std::uint8_t& place) {
        return BareGuest::kCode.value + static_cast<std::uint64_t>(&place - &cpus_main);
    }
    void put(GuestVa at, std::span<const std::uint8_t> bytes) {
        ASSERT_TRUE(machine->write(at, std::as_bytes(bytes)));
    }
    void word(GuestPa at, std::uint64_t value) {
        std::memcpy(machine->memory().view(at, 8).data(), &value, 8);
    }
    // RAM also at its physical addresses, where CPUs start, and the local APICs.
    void map_low_memory() {
        using namespace cpu::pte;
        const GuestPa pml4{machine->cpu().cr3()};
        const GuestPa pdpt{*machine->memory().read<std::uint64_t>(pml4 + 511ULL * 8) &
                           kAddressMask};
        const GuestPa apics{0x5000};
        constexpr std::uint64_t kFlags = kPresent | kWritable;
        write_entry(machine->memory(), pml4, 0, pdpt.value | kFlags);
        write_entry(machine->memory(), pdpt, 0,
                    *machine->memory().read<std::uint64_t>(pdpt + 510ULL * 8));
        write_entry(machine->memory(), pdpt, 3, apics.value | kFlags);
        write_entry(machine->memory(), apics, 0xfee0'0000U >> 21 & 0x1ff,
                    0xfee0'0000 | kFlags | kLarge);
    }
    void set_gate(unsigned vector, std::uint64_t handler) {
        constexpr std::uint64_t kInterruptGate = 0x8e00'0010'0000;  // selector 0x10
        word(GuestPa{BareGuest::kIdt.value - kBareDirectMap.value + 16ULL * vector},
             (handler & 0xffff) | kInterruptGate | ((handler >> 16 & 0xffff) << 48));
        word(GuestPa{BareGuest::kIdt.value - kBareDirectMap.value + 16ULL * vector + 8},
             handler >> 32);
    }
};

class SeveralCpusTest : public testing::TestWithParam<unsigned> {};

TEST_P(SeveralCpusTest, StartWorkTogetherAndSeeEachOthersCode) {
    const unsigned cpus = GetParam();
    SeveralCpus guest(cpus);
    const StopEvent stop = guest.run(10'000'000);
    ASSERT_EQ(stop.reason, StopReason::GuestExit);
    EXPECT_EQ(guest.shared(0x10), cpus * kWork);
    EXPECT_EQ(guest.machine->counters().interrupts, cpus - 1);
    EXPECT_EQ(guest.machine->current_cpu(), 0U);
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < cpus; ++i) {
        EXPECT_GT(guest.machine->cpu(i).instructions(), 2 * kWork);
        sum += guest.machine->cpu(i).instructions();
    }
    EXPECT_EQ(guest.machine->counters().instructions, sum);
}

TEST_P(SeveralCpusTest, DoTheSameWhereverTheHostStops) {
    SeveralCpus whole(GetParam());
    const State expected = whole.state(whole.run(10'000'000));
    for (const std::uint64_t piece : {1U, 7U, 777U}) {
        SeveralCpus pieces(GetParam());
        const State got = pieces.state(pieces.run_in_pieces(piece));
        EXPECT_EQ(got.stop, expected.stop) << piece;
        EXPECT_EQ(got.counters.instructions, expected.counters.instructions) << piece;
        EXPECT_EQ(got.counters.cycles, expected.counters.cycles) << piece;
        EXPECT_EQ(got.counters.interrupts, expected.counters.interrupts) << piece;
        EXPECT_EQ(got.instructions, expected.instructions) << piece;
        EXPECT_EQ(got.registers, expected.registers) << piece;
        EXPECT_EQ(got.low_memory, expected.low_memory) << piece;
    }
}

INSTANTIATE_TEST_SUITE_P(Of, SeveralCpusTest, testing::Values(2U, 3U, 4U),
                         testing::PrintToStringParamName());

TEST(SeveralCpus, AreDeadWhenAllSleepForGood) {
    SeveralCpus guest(2);
    const std::vector<std::uint8_t> halt{0xfa, 0xf4};  // cli; hlt
    ASSERT_TRUE(guest.machine->write(BareGuest::kCode, std::as_bytes(std::span(halt))));
    EXPECT_EQ(guest.run(1000).reason, StopReason::Dead);
}

TEST(SeveralCpus, OneThatSendsItselfInitIsGone) {
    SeveralCpus guest(1);
    // mov r8d, 0xfee00000; mov dword [r8+0x300], 0x44500 (INIT, assert, self); jmp $
    const std::vector<std::uint8_t> code{0x41, 0xb8, 0, 0,    0xe0, 0xfe, 0x41, 0xc7, 0x80, 0,
                                         0x03, 0,    0, 0x00, 0x45, 0x04, 0x00, 0xeb, 0xfe};
    ASSERT_TRUE(guest.machine->write(BareGuest::kCode, std::as_bytes(std::span(code))));
    EXPECT_EQ(guest.run(1000).reason, StopReason::Dead);
    EXPECT_LT(guest.machine->counters().instructions, 10U);
}

TEST(SeveralCpus, AreOneToFour) {
    for (const unsigned cpus : {0U, 5U}) {
        MachineConfig config;
        config.cpus = cpus;
        const auto machine = Machine::create(config);
        ASSERT_FALSE(machine);
        EXPECT_EQ(machine.error().where, "--cpus");
    }
}

}  // namespace
}  // namespace trapgate::emu
