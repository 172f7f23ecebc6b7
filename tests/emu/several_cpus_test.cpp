// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/several_cpus.hpp"

#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate::emu {
namespace {

using State = SeveralCpus::State;
constexpr std::uint64_t kWork = SeveralCpus::kWork;

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
