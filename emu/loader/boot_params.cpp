// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/boot_params.hpp"

#include <cstring>

#include "base/check.hpp"

namespace trapgate::emu {
namespace {

constexpr std::size_t kE820Count = 0x1e8;
constexpr std::size_t kSetupHeader = 0x1f1;
constexpr std::size_t kBootFlag = 0x1fe;
constexpr std::size_t kHeaderMagic = 0x202;
constexpr std::size_t kVersion = 0x206;
constexpr std::size_t kLoaderType = 0x210;
constexpr std::size_t kLoadFlags = 0x211;
constexpr std::size_t kRamdiskImage = 0x218;
constexpr std::size_t kRamdiskSize = 0x21c;
constexpr std::size_t kCommandLine = 0x228;
constexpr std::size_t kCommandLineMax = 0x238;
constexpr std::size_t kE820Table = 0x2d0;
constexpr std::size_t kE820EntryBytes = 20;
constexpr std::size_t kE820Max = 128;

constexpr std::uint64_t kConventionalEnd = 0x9'fc00;
constexpr std::uint64_t kBiosArea = 0xf'0000;
constexpr std::uint64_t kOneMiB = 0x10'0000;

template <class T>
void store(std::span<std::byte> page, std::size_t at, T value) {
    std::memcpy(page.data() + at, &value, sizeof(value));
}

}  // namespace

std::vector<E820Entry> make_e820(std::uint64_t ram_bytes) {
    return {{0, kConventionalEnd, 1},
            {kBiosArea, kOneMiB - kBiosArea, 2},
            {kOneMiB, ram_bytes - kOneMiB, 1}};
}

void write_boot_params(PhysicalMemory& memory, GuestPa at, const BootParams& params) {
    const std::span<std::byte> page = memory.view(at, kPageBytes);
    TG_CHECK(!page.empty() && params.e820.size() <= kE820Max, "boot_params does not fit");
    std::memset(page.data(), 0, page.size());
    if (params.setup_header.empty()) {
        store<std::uint16_t>(page, kBootFlag, 0xaa55);
        std::memcpy(page.data() + kHeaderMagic, "HdrS", 4);
        store<std::uint16_t>(page, kVersion, 0x020f);
        store<std::uint32_t>(page, kCommandLineMax, 2047);
    } else {
        TG_CHECK(params.setup_header.size() <= kE820Table - kSetupHeader, "setup header too long");
        std::memcpy(page.data() + kSetupHeader, params.setup_header.data(),
                    params.setup_header.size());
    }
    constexpr auto kLoadedHigh = std::byte{0x01};
    constexpr auto kCanUseHeap = std::byte{0x80};
    page[kLoadFlags] |= kLoadedHigh | kCanUseHeap;
    store<std::uint8_t>(page, kLoaderType, 0xff);  // "undefined"
    store(page, kRamdiskImage, static_cast<std::uint32_t>(params.initrd.base.value));
    store(page, kRamdiskSize, static_cast<std::uint32_t>(params.initrd.bytes));
    store(page, kCommandLine, static_cast<std::uint32_t>(params.command_line.value));
    store<std::uint8_t>(page, kE820Count, static_cast<std::uint8_t>(params.e820.size()));
    for (std::size_t i = 0; i < params.e820.size(); ++i) {
        const std::size_t entry = kE820Table + i * kE820EntryBytes;
        store(page, entry, params.e820[i].base);
        store(page, entry + 8, params.e820[i].bytes);
        store(page, entry + 16, params.e820[i].type);
    }
}

}  // namespace trapgate::emu
