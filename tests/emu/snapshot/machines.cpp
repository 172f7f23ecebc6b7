// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/snapshot/machines.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "emu/snapshot/hash64.hpp"
#include "emu/snapshot/memory_images.hpp"

namespace trapgate::emu {

MiniGuest::MiniGuest(const std::string& command_line, std::uint64_t ram_bytes, unsigned cpus) {
    MachineConfig config;
    config.ram_bytes = ram_bytes;
    config.cpus = cpus;
    machine = std::move(Machine::create(config)).value();
    machine->set_console_sink([this](std::string_view bytes) { console += bytes; });
    BootImage image;
    image.kernel = std::filesystem::path(TRAPGATE_SHARE_DIR) / "minikernel.elf";
    image.command_line = command_line;
    const Result<void> loaded = load_boot_image(*machine, image);
    EXPECT_TRUE(loaded) << loaded.error().message();
}

StopEvent MiniGuest::run_to(std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    return machine->run(limits);
}

std::uint64_t memory_hash(Machine& machine) {
    Hash64 hash;
    static constexpr Page kZeroes{};
    for (const PhysicalMemory::Region& region : machine.memory().regions()) {
        for_each_resident_page(region.storage, [&](std::uint64_t index) {
            const auto page = region.storage.bytes().subspan(index * kPageBytes, kPageBytes);
            if (!std::ranges::equal(page, kZeroes)) {
                hash.add(region.base.value + index * kPageBytes);
                hash.add(page);
            }
        });
    }
    return hash.value();
}

std::string portrait(Machine& machine) {
    const Counters counters = machine.counters();
    std::string text = fmt::format(
        "instructions {}\nblocks {}\ncycles {}\ninterrupts {}\nexceptions {}\nmemory {:x}\n",
        counters.instructions, counters.blocks, counters.cycles.value, counters.interrupts,
        counters.exceptions, memory_hash(machine));
    for (unsigned i = 0; i < machine.cpu_count(); ++i) {
        const cpu::RegisterFile file = machine.cpu(i).registers();
        text += fmt::format("cpu {}: rip {:x} rflags {:x} gpr {:x} cr {:x} {:x} {:x} {:x}\n", i,
                            file.rip, file.rflags, fmt::join(file.gpr, " "), file.cr0, file.cr2,
                            file.cr3, file.cr4);
    }
    return text;
}

testing::AssertionResult alike(Machine& a, Machine& b) {
    const StatePtr first = a.save();
    const StatePtr second = b.save();
    if (portrait(a) != portrait(b)) {
        return testing::AssertionFailure() << portrait(a) << "is not\n" << portrait(b);
    }
    if (first->parts != second->parts) {
        std::size_t at = 0;
        while (at < first->parts.size() && at < second->parts.size() &&
               first->parts[at] == second->parts[at]) {
            ++at;
        }
        return testing::AssertionFailure()
               << "saved parts differ from byte " << at << " of " << first->parts.size();
    }
    return testing::AssertionSuccess();
}

testing::AssertionResult complete(Machine& machine, const MachineState& state) {
    static constexpr Page kZeroes{};
    std::size_t i = 0;
    for (const PhysicalMemory::Region& region : machine.memory().regions()) {
        const PageImage& image = state.regions[i++].pages;
        for (std::uint64_t index = 0; index < image.pages(); ++index) {
            // Reading a hole would fill it.
            const Page* const saved = image.page(index);
            if (saved != nullptr &&
                !std::ranges::equal(
                    *saved, region.storage.bytes().subspan(index * kPageBytes, kPageBytes))) {
                return testing::AssertionFailure()
                       << fmt::format("page {:#x}", region.base.value + index * kPageBytes);
            }
        }
        std::string missed;
        for_each_resident_page(region.storage, [&](std::uint64_t index) {
            if (image.page(index) == nullptr &&
                !std::ranges::equal(
                    kZeroes, region.storage.bytes().subspan(index * kPageBytes, kPageBytes))) {
                missed += fmt::format(" {:#x}", region.base.value + index * kPageBytes);
            }
        });
        if (!missed.empty()) {
            return testing::AssertionFailure() << "missed pages:" << missed;
        }
    }
    return testing::AssertionSuccess();
}

}  // namespace trapgate::emu
