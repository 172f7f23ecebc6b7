// SPDX-License-Identifier: GPL-2.0-only
// cpu/translate.hpp against the CPU engine: the same random page tables, the same accesses.
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "cpu/translate.hpp"
#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using namespace cpu::pte;
using cpu::Access;

constexpr std::uint64_t kRoot = 0x2000;  // the bare machine's
constexpr std::uint64_t kTables = 0x20'0000;
constexpr std::uint64_t kPages = 0x40'0000;  // 2 MiB of int3
constexpr std::uint64_t kCr0Wp = 1U << 16;
constexpr std::uint64_t kEferNxe = 1U << 11;

/// One random translation of one address, and an instruction that uses it.
class RandomTables {
public:
    explicit RandomTables(Mode mode) : guest_(mode, {}) {
        guest_.handle(3);
        guest_.handle(14);
        const std::span<std::byte> pages = guest_.machine->memory().view(GuestPa{kPages}, 2U << 20);
        std::memset(pages.data(), 0xcc, pages.size());
        start_ = guest_.machine->cpu().registers();
    }

    void check(std::mt19937_64& random) {
        const auto one_in = [&random](unsigned n) { return random() % n == 0; };
        const GuestVa va{(random() % (1ULL << 46)) & ~7ULL};
        std::uint64_t table = kRoot;
        std::array<std::uint64_t, 5> places{};
        for (unsigned level = 4; level >= 1; --level) {
            places.at(level) = table + 8ULL * cpu::table_index(va, level);
            std::uint64_t entry = (one_in(32) ? 0 : kPresent) | (one_in(8) ? 0 : kWritable) |
                                  (one_in(10) ? 0 : kUser) | (one_in(2) ? kAccessed : 0) |
                                  (one_in(16) ? kNoExecute : 0) | (one_in(2) ? 1ULL << 52 : 0) |
                                  (one_in(64) ? 1ULL << (40 + random() % 12) : 0);
            // Not at level 3: the engine takes 1 GiB pages although CPUID says that there are none.
            const bool large = level == 2 ? one_in(4) : level == 4 && one_in(32);
            const bool leaf = level == 1 || (level == 2 && large);
            entry |= large ? kLarge : 0;
            entry |= leaf && one_in(2) ? kDirty | kGlobal : 0;
            table = kTables + kPageBytes * (4 - level);
            entry |= leaf ? kPages | (level == 1 ? random() % 512 * kPageBytes : 0) : table;
            entry |= leaf && large && one_in(16) ? 1ULL << 13 : 0;
            put(places.at(level), entry);
        }
        const auto access = static_cast<Access>(random() % 3);
        cpu::RegisterFile registers = start_;
        registers.cr0 = (registers.cr0 & ~kCr0Wp) | (one_in(2) ? kCr0Wp : 0);
        registers.efer = (registers.efer & ~kEferNxe) | (one_in(4) ? 0 : kEferNxe);
        registers[cpu::Gpr::Rsi] = va.value;
        registers[cpu::Gpr::Rax] = 0xcc;
        // mov al, [rsi]; int3 / mov [rsi], al; int3 / jmp rsi
        const std::array<std::vector<std::uint8_t>, 3> code{{{0x8a, 0x06, 0xcc},  //
                                                             {0x88, 0x06, 0xcc},
                                                             {0xff, 0xe6, 0xcc}}};
        guest_.put(BareGuest::kCode, code.at(static_cast<std::size_t>(access)));
        guest_.machine->cpu().set_registers(registers);

        const cpu::PagingMode mode{.cr3 = kRoot,
                                   .write_protect = (registers.cr0 & kCr0Wp) != 0,
                                   .no_execute = (registers.efer & kEferNxe) != 0,
                                   .user = guest_.mode() == Mode::User};
        const cpu::Translation expected = translate(guest_.machine->memory(), mode, va, access);
        std::array<std::uint64_t, 5> entries{};
        for (unsigned level = 1; level <= 4; ++level) {
            entries.at(level) = word(places.at(level));
            for (unsigned i = 0; i < expected.update_count; ++i) {
                const cpu::WalkStep& update = expected.updates.at(i);
                if (update.entry_address.value == places.at(level)) {
                    entries.at(level) = update.entry;
                }
            }
        }

        const std::uint64_t faults = guest_.counted(14);
        const StopEvent stop = guest_.run(guest_.machine->counters().instructions + 100);
        ASSERT_EQ(stop.reason, StopReason::GuestExit);
        ASSERT_EQ(guest_.counted(14) - faults, expected.fault ? 1U : 0U) << std::hex << va.value;
        if (expected.fault) {
            ASSERT_EQ(guest_.frame(true).error_code, *expected.fault);
            ASSERT_EQ(guest_.machine->cpu().registers().cr2, va.value);
            ++faulted;
        }
        for (unsigned level = 1; level <= 4; ++level) {
            ASSERT_EQ(word(places.at(level)), entries.at(level))
                << "level " << level << (expected.fault ? " faults" : " good");
        }
        put(places[4], 0);
    }

    unsigned faulted = 0;

private:
    void put(std::uint64_t at, std::uint64_t value) {
        std::memcpy(guest_.machine->memory().view(GuestPa{at}, 8).data(), &value, 8);
    }
    [[nodiscard]] std::uint64_t word(std::uint64_t at) const {
        return *guest_.machine->memory().read<std::uint64_t>(GuestPa{at});
    }

    ModeGuest guest_;
    cpu::RegisterFile start_;
};

TEST(Translation, OfTheEngineIsTheManuals) {
    constexpr unsigned kCases = 3000;
    for (const Mode mode : {Mode::Kernel, Mode::User}) {
        std::mt19937_64 random(20261121);
        RandomTables tables(mode);
        for (unsigned i = 0; i < kCases; ++i) {
            tables.check(random);
            ASSERT_FALSE(HasFatalFailure()) << "case " << i;
        }
        EXPECT_GT(tables.faulted, kCases / 4);
        EXPECT_LT(tables.faulted, kCases * 9 / 10);
    }
}

}  // namespace
}  // namespace trapgate::emu
