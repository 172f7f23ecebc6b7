// SPDX-License-Identifier: GPL-2.0-only
// A guest that leaves nothing in a machine as it is after reset, saved between any two of its
// instructions: restored into another machine, it sees all of it again.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/emu/mode_guest.hpp"
#include "tests/emu/snapshot/machines.hpp"

// odd_state_guest.S
extern "C" const std::uint8_t odd_begin, odd_main, odd_interrupt, odd_nmi, odd_debug, odd_end;

namespace trapgate::emu {
namespace {

using cpu::Gpr;

constexpr GuestVa kResults = kBareDirectMap + 0x20'0000;
constexpr GuestVa kScratch = kBareDirectMap + 0x21'0000;

std::vector<std::uint8_t> code_between(const std::uint8_t& begin, const std::uint8_t& end) {
    const std::span<const std::uint8_t> bytes(&begin, &end);
    return {bytes.begin(), bytes.end()};
}

class OddGuest : public ModeGuest {
public:
    OddGuest() : ModeGuest(Mode::Kernel, code_between(odd_begin, odd_end)) {
        map_apics(*machine);
        for (unsigned vector = 0; vector < 256; ++vector) {
            point(vector, vector == 1 ? odd_debug : vector == 2 ? odd_nmi : odd_interrupt);
        }
        change([](cpu::RegisterFile& registers) {
            registers.idtr = {kIdt.value, 0xfff};
            registers[Gpr::R8] = 0xfee0'0000;
            registers[Gpr::R9] = 0xfec0'0000;
            registers[Gpr::Rdi] = kResults.value;
            registers[Gpr::Rsi] = kScratch.value;
        });
        machine->console_input("more bytes than the FIFO has room for");
    }

    [[nodiscard]] std::vector<std::byte> results() const {
        std::vector<std::byte> bytes(4096);
        EXPECT_TRUE(machine->read(kResults, bytes));
        return bytes;
    }
    [[nodiscard]] std::uint32_t counted(std::uint64_t offset) const {
        return read_value<std::uint32_t>(*machine, kScratch + offset).value_or(0);
    }

private:
    void point(unsigned vector, const std::uint8_t& handler) {
        const std::uint64_t at = (kCode + static_cast<std::uint64_t>(&handler - &odd_begin)).value;
        const std::array<std::uint64_t, 2> gate{
            (at & 0xffff) | (0x10ULL << 16) | (0x8e00ULL << 32) | (((at >> 16) & 0xffff) << 48),
            at >> 32};
        EXPECT_TRUE(machine->write(kIdt + 16ULL * vector, std::as_bytes(std::span(gate))));
    }
};

TEST(Snapshot, KeepsEverythingThatTheGuestCanSee) {
    OddGuest plain;
    ASSERT_EQ(plain.run(100'000).reason, StopReason::GuestExit);
    const std::uint64_t length = plain.machine->counters().instructions;
    // What it is about has happened: timer interrupts, three NMIs, and #DB of each kind.
    EXPECT_GT(plain.counted(512), 1U);
    EXPECT_EQ(plain.counted(520), 3U);
    EXPECT_GT(plain.counted(528), 4U);
    OddGuest saved;
    OddGuest other;
    ASSERT_EQ(other.run(100'000).reason, StopReason::GuestExit);
    for (std::uint64_t point = 0; point < length; point += 7) {
        SCOPED_TRACE(point);
        saved.run(point);
        const StatePtr state = saved.machine->save();
        ASSERT_EQ(state->place.instructions, point);
        ASSERT_TRUE(other.machine->restore(*state));
        ASSERT_EQ(other.machine->save()->parts, state->parts);
        EXPECT_EQ(other.run(100'000).reason, StopReason::GuestExit);
        ASSERT_EQ(other.results(), plain.results());
        ASSERT_TRUE(alike(*other.machine, *plain.machine));
    }
}

}  // namespace
}  // namespace trapgate::emu
