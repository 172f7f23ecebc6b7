// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/long_mode.hpp"

#include <cstring>

#include "base/check.hpp"
#include "cpu/page_walk.hpp"

namespace trapgate::emu {

void write_entry(PhysicalMemory& memory, GuestPa table, unsigned index, std::uint64_t value) {
    const std::span<std::byte> slot = memory.view(table + 8ULL * index, 8);
    TG_CHECK(!slot.empty(), "a table outside memory");
    std::memcpy(slot.data(), &value, 8);
}

cpu::RegisterFile long_mode_registers(PhysicalMemory& memory, GuestPa gdt, GuestPa pml4) {
    constexpr std::uint64_t kCodeDescriptor = 0x00af'9b00'0000'ffff;
    constexpr std::uint64_t kDataDescriptor = 0x00cf'9300'0000'ffff;
    write_entry(memory, gdt, 0, 0);
    write_entry(memory, gdt, 1, 0);
    write_entry(memory, gdt, 2, kCodeDescriptor);
    write_entry(memory, gdt, 3, kDataDescriptor);

    constexpr std::uint32_t kAttributes = 0x00f0'ff00;  // of a descriptor's high dword
    const auto flat = [](std::uint16_t selector, std::uint64_t descriptor) {
        return cpu::Segment{selector, 0, 0xffff'ffff,
                            static_cast<std::uint32_t>(descriptor >> 32) & kAttributes};
    };
    cpu::RegisterFile file;
    file.cs = flat(0x10, kCodeDescriptor);
    file.ds = file.es = file.ss = file.fs = file.gs = flat(0x18, kDataDescriptor);
    file.tr = {0, 0, 0xffff, 0x8b00};  // As reset leaves it (Intel SDM vol. 3, table 9-1).
    file.gdtr = {gdt.value, 31};
    file.cr0 = 0x8000'0011;  // PG, ET, PE
    file.cr3 = pml4.value;
    file.cr4 = 0x20;    // PAE
    file.efer = 0x500;  // LMA, LME
    return file;
}

void write_identity_map(PhysicalMemory& memory, GuestPa tables) {
    using namespace cpu::pte;
    constexpr std::uint64_t kFlags = kPresent | kWritable;
    const std::span<std::byte> all = memory.view(tables, 6 * kPageBytes);
    TG_CHECK(!all.empty(), "the identity map does not fit");
    std::memset(all.data(), 0, all.size());
    const GuestPa pdpt = tables + kPageBytes;
    write_entry(memory, tables, 0, pdpt.value | kFlags);
    for (unsigned gib = 0; gib < 4; ++gib) {
        const GuestPa directory = pdpt + kPageBytes * (gib + 1ULL);
        write_entry(memory, pdpt, gib, directory.value | kFlags);
        for (unsigned i = 0; i < cpu::kEntriesPerTable; ++i) {
            const std::uint64_t page = (std::uint64_t{gib} << 30) | (std::uint64_t{i} << 21);
            write_entry(memory, directory, i, page | kFlags | kLarge);
        }
    }
}

}  // namespace trapgate::emu
