// SPDX-License-Identifier: GPL-2.0-only
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "emu/boot.hpp"
#include "emu/loader/boot_params.hpp"
#include "emu/loader/elf_image.hpp"
#include "emu/loader/long_mode.hpp"

namespace trapgate::emu {
namespace {

// Where the loader puts its own things in conventional memory, below the command line's 64 KiB.
constexpr GuestPa kGdt{0x8000};
constexpr GuestPa kPageTables{0x9000};  // 6 pages
constexpr GuestPa kBootParams{0x1'3000};
constexpr GuestPa kCommandLine{0x2'0000};
constexpr std::size_t kCommandLineMax = 2047;
constexpr std::uint64_t kLowestLoad = 0x10'0000;

Result<void> load_segment(Machine& machine, const BootImage& image, const ElfSegment& segment) {
    const std::uint64_t ram = machine.config().ram_bytes;
    const std::uint64_t base = segment.physical.value;
    if (base < kLowestLoad || base > ram || segment.memory_bytes > ram - base) {
        return fail(fmt::format("a segment of {} bytes at physical {:#x} lies outside RAM ({} MiB)",
                                segment.memory_bytes, base, ram >> 20),
                    image.kernel.string(), "give the machine more memory: --mem 512M", ENOMEM);
    }
    const std::span<std::byte> to = machine.memory().view(segment.physical, segment.memory_bytes);
    std::memcpy(to.data(), segment.bytes.data(), segment.bytes.size());
    std::memset(to.data() + segment.bytes.size(), 0, to.size() - segment.bytes.size());
    return {};
}

}  // namespace

Result<void> load_boot_image(Machine& machine, const BootImage& image) {
    Result<ElfImage> elf = read_elf_image(image.kernel);
    if (!elf) {
        return tl::unexpected(elf.error());
    }
    if (image.command_line.size() > kCommandLineMax) {
        return fail(fmt::format("the kernel command line has {} bytes, at most {} fit",
                                image.command_line.size(), kCommandLineMax),
                    "--append");
    }
    for (const ElfSegment& segment : elf->segments) {
        const Result<void> loaded = load_segment(machine, image, segment);
        if (!loaded) {
            return loaded;
        }
    }
    PhysicalMemory& memory = machine.memory();
    std::memcpy(memory.view(kCommandLine, image.command_line.size() + 1).data(),
                image.command_line.c_str(), image.command_line.size() + 1);
    write_boot_params(memory, kBootParams, {kCommandLine, make_e820(machine.config().ram_bytes)});
    write_identity_map(memory, kPageTables);

    cpu::RegisterFile registers = long_mode_registers(memory, kGdt, kPageTables);
    registers.rip = elf->entry;
    registers[cpu::Gpr::Rsi] = kBootParams.value;
    machine.cpu().set_registers(registers);
    KernelImage kernel{SymbolTable(std::move(elf->symbols)), std::move(elf->btf), {}};
    for (const ElfSegment& segment : elf->segments) {
        kernel.ranges.push_back({segment.virtual_address, segment.physical, segment.memory_bytes});
    }
    machine.set_kernel(std::move(kernel));
    return {};
}

}  // namespace trapgate::emu
