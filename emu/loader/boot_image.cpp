// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/files.hpp"
#include "emu/boot.hpp"
#include "emu/loader/boot_params.hpp"
#include "emu/loader/initrd.hpp"
#include "emu/loader/kernel_file.hpp"
#include "emu/loader/long_mode.hpp"

namespace trapgate::emu {
namespace {

// Where the loader puts its own things in conventional memory.
constexpr GuestPa kGdt{0x8000};
constexpr GuestPa kPageTables{0x9000};  // 6 pages
constexpr GuestPa kBootParams{0x1'3000};
constexpr GuestPa kCommandLine{0x2'0000};
constexpr std::uint32_t kCommandLineMax = 2047;  // What Linux for x86 takes, without the NUL.
constexpr std::uint64_t kLowestLoad = 0x10'0000;
constexpr std::uint64_t kLinkedLow = 0x8000'0000'0000;  // End of the lower half.

class BootLoader {
public:
    BootLoader(Machine& machine, const BootImage& image)
        : machine_(machine), image_(image), ram_bytes_(machine.config().ram_bytes) {}

    Result<void> run() {
        return read_kernel_file(image_.kernel)
            .and_then([this](KernelFile file) {
                kernel_ = std::move(file);
                return place_kernel();
            })
            .and_then([this] { return place_command_line(); })
            .and_then([this] { return load_initrd(); })
            .map([this] { enter(); });
    }

private:
    Result<void> place_kernel() {
        for (const ElfSegment& segment : kernel_.elf.segments) {
            const Result<void> placed = check_overlap(segment).and_then(
                [&] { return place_segment(segment); });
            if (!placed) {
                return placed;
            }
            kernel_end_ = std::max(kernel_end_, segment.physical.value + segment.memory_bytes);
        }
        const bool entry_is_loaded = std::any_of(
            kernel_.elf.segments.begin(), kernel_.elf.segments.end(), [this](const auto& segment) {
                return kernel_.elf.entry - segment.physical.value < segment.memory_bytes;
            });
        if (!entry_is_loaded) {
            return fail(
                fmt::format("the entry point {:#x} lies in no loaded segment", kernel_.elf.entry),
                image_.kernel.string(), "the entry point of a kernel is a physical address",
                ENOEXEC);
        }
        return {};
    }

    // Two pieces at one place would be no kernel; and many could keep the host busy for hours.
    Result<void> check_overlap(const ElfSegment& segment) const {
        for (const ElfSegment& other : kernel_.elf.segments) {
            if (&other != &segment && other.physical <= segment.physical &&
                segment.physical - other.physical < other.memory_bytes) {
                return fail(
                    fmt::format("two segments overlap at physical {:#x}", segment.physical.value),
                    image_.kernel.string(), "is the file damaged?", ENOEXEC);
            }
        }
        return {};
    }

    Result<void> place_segment(const ElfSegment& segment) {
        const std::uint64_t base = segment.physical.value;
        if (base < kLowestLoad || base > ram_bytes_ || segment.memory_bytes > ram_bytes_ - base) {
            return fail(
                fmt::format("a segment of {} bytes at physical {:#x} lies outside RAM ({} MiB)",
                            segment.memory_bytes, base, ram_bytes_ >> 20),
                image_.kernel.string(),
                base < kLowestLoad ? "the first MiB is not for kernels"
                                   : "give the machine more memory: --mem 512M",
                ENOMEM);
        }
        const std::span<std::byte> to = machine_.memory().view(segment.physical,
                                                               segment.memory_bytes);
        std::copy(segment.bytes.begin(), segment.bytes.end(), to.begin());
        const std::span<std::byte> rest = to.subspan(segment.bytes.size());
        std::fill(rest.begin(), rest.end(), std::byte{0});
        return {};
    }

    Result<void> place_command_line() {
        const std::string& text = image_.command_line;
        const std::uint32_t most = kernel_.header ? kernel_.header->command_line_max
                                                  : kCommandLineMax;
        if (text.size() > std::min(most, kCommandLineMax)) {
            return fail(fmt::format("the kernel command line has {} bytes, at most {} fit",
                                    text.size(), std::min(most, kCommandLineMax)),
                        "--append");
        }
        std::memcpy(machine_.memory().view(kCommandLine, text.size() + 1).data(), text.c_str(),
                    text.size() + 1);
        return {};
    }

    Result<void> load_initrd() {
        std::vector<std::byte> initrd;
        if (!image_.initrd.empty()) {
            Result<std::vector<std::byte>> file = read_file(image_.initrd);
            if (!file) {
                return tl::unexpected(std::move(file.error()));
            }
            const Result<void> usable = check_initrd(*file, image_.initrd.string(), ram_bytes_);
            if (!usable) {
                return usable;
            }
            initrd = std::move(*file);
        }
        initrd = join_initrd(std::move(initrd), image_.initrd_overlay);
        if (initrd.empty()) {
            return {};
        }
        const std::uint64_t most = kernel_.header ? kernel_.header->initrd_max + 1ULL : UINT32_MAX;
        const std::string name = image_.initrd_overlay.size() * 2 > initrd.size()
                                     ? "the files added to the guest"
                                     : image_.initrd.string();
        return place_initrd(machine_.memory(), initrd, {kernel_end_, std::min(ram_bytes_, most)},
                            name)
            .map([this](PlacedInitrd placed) { initrd_ = placed; });
    }

    void enter() {
        PhysicalMemory& memory = machine_.memory();
        BootParams params{kCommandLine, make_e820(ram_bytes_), initrd_, {}};
        if (kernel_.header) {
            params.setup_header = kernel_.header->bytes;
        }
        write_boot_params(memory, kBootParams, params);
        write_identity_map(memory, kPageTables);
        cpu::RegisterFile registers = long_mode_registers(memory, kGdt, kPageTables);
        registers.rip = kernel_.elf.entry;
        registers[cpu::Gpr::Rsi] = kBootParams.value;
        machine_.cpu().set_registers(registers);

        const std::span<const std::byte> btf = kernel_.elf.btf;
        KernelImage known{image_.kernel.filename().string(),
                          image_.command_line,
                          SymbolTable(std::move(kernel_.elf.symbols)),
                          std::vector(btf.begin(), btf.end()),
                          {}};
        for (const ElfSegment& segment : kernel_.elf.segments) {
            const GuestVa linked = segment.virtual_address;
            // Linux links its per-CPU template at 0; nothing is ever mapped there.
            if (linked.value >= kLinkedLow || linked.value == segment.physical.value) {
                known.ranges.push_back({linked, segment.physical, segment.memory_bytes});
            }
        }
        machine_.set_kernel(std::move(known));
    }

    Machine& machine_;
    const BootImage& image_;
    std::uint64_t ram_bytes_;
    KernelFile kernel_;
    std::uint64_t kernel_end_ = 0;
    PlacedInitrd initrd_;
};

}  // namespace

Result<void> load_boot_image(Machine& machine, const BootImage& image) {
    return BootLoader(machine, image).run();
}

}  // namespace trapgate::emu
