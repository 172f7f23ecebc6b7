// SPDX-License-Identifier: GPL-2.0-only
#include <set>

#include <gtest/gtest.h>

#include "tests/roms/booted.hpp"
#include "tests/roms/elf_file.hpp"
#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

constexpr std::uint64_t kPresent = 1, kWritable = 2, kHuge = 0x80, kNoExecute = 1ULL << 63;
constexpr std::uint64_t kFrame = 0x000f'ffff'ffff'f000;

// Pages of 4 KiB by what any of their addresses allows; and the number of identity-mapped entries.
struct Frames {
    std::set<std::uint64_t> writable, executable;
    std::size_t low_half_entries = 0;
};

void add_leaf(Frames& frames, std::uint64_t entry, std::uint64_t rights, int level) {
    const std::uint64_t pages = 1ULL << (9 * (level - 1));
    const std::uint64_t first = (entry & kFrame) / kPageBytes & ~(pages - 1);
    for (std::uint64_t page = first; page < first + pages; ++page) {
        if ((rights & kWritable) != 0) {
            frames.writable.insert(page);
        }
        if ((rights & kNoExecute) == 0) {
            frames.executable.insert(page);
        }
    }
}

// `rights`: what the levels above allow; NX is a restriction, W a permission.
void walk(emu::PhysicalMemory& memory, std::uint64_t table, int level, std::uint64_t rights,
          Frames& frames) {
    for (std::uint64_t i = 0; i < 512; ++i) {
        const std::uint64_t entry = memory.read<std::uint64_t>({table + i * 8}).value_or(0);
        if ((entry & kPresent) == 0) {
            continue;
        }
        if (level == 4 && i < 256) {
            ++frames.low_half_entries;
        }
        const std::uint64_t here = (rights & entry & kWritable) | ((rights | entry) & kNoExecute);
        if (level == 1 || (entry & kHuge) != 0) {
            add_leaf(frames, entry, here, level);
        } else {
            walk(memory, entry & kFrame, level - 1, here, frames);
        }
    }
}

TEST(MinikernelProtection, SwitchesOnWhatTheCpuHas) {
    Booted guest;
    guest.run();
    const cpu::RegisterFile registers = guest.machine->cpu().registers();
    EXPECT_NE(registers.cr0 & (1U << 16), 0U) << "WP";
    EXPECT_NE(registers.cr4 & (1U << 20), 0U) << "SMEP";
    EXPECT_NE(registers.cr4 & (1U << 7), 0U) << "PGE";
    EXPECT_NE(registers.efer & (1U << 11), 0U) << "NXE";
}

TEST(MinikernelProtection, MapsNoPageWritableAndExecutableAtAnyOfItsAddresses) {
    Booted guest;
    guest.run();
    Frames frames;
    walk(guest.machine->memory(), guest.machine->cpu().cr3() & kFrame, 4, kWritable, frames);
    EXPECT_EQ(frames.low_half_entries, 0U) << "the boot loader's mapping is still there";
    EXPECT_FALSE(frames.executable.empty());
    EXPECT_LT(frames.executable.size(), 64U);
    for (const std::uint64_t page : frames.executable) {
        EXPECT_FALSE(frames.writable.contains(page)) << std::hex << page;
    }
}

// With a module in it, and seen from a program: the kernel's half.
TEST(MinikernelProtection, MapsNoPageOfAModuleWritableAndExecutable) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const std::vector<std::byte> archive = shell_archive(busybox, "insmod /bin/hello.ko",
                                                         {guest_image("hello.ko")});
    Booted guest("loglevel=3", 256ULL << 20, 1, archive);
    EXPECT_EQ(guest.run().status, 0U) << guest.console;
    emu::PhysicalMemory& memory = guest.machine->memory();
    const std::uint64_t root = guest.machine->cpu().cr3() & kFrame;
    Frames frames;
    for (std::uint64_t i = 256; i < 512; ++i) {
        const std::uint64_t entry = memory.read<std::uint64_t>({root + i * 8}).value_or(0);
        if ((entry & kPresent) != 0) {
            walk(memory, entry & kFrame, 3, entry & (kWritable | kNoExecute), frames);
        }
    }
    EXPECT_GT(frames.executable.size(), 10U);
    for (const std::uint64_t page : frames.executable) {
        EXPECT_FALSE(frames.writable.contains(page)) << std::hex << page;
    }
}

}  // namespace
}  // namespace trapgate::roms
