// SPDX-License-Identifier: GPL-2.0-only
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/boot.hpp"
#include "emu/loader/cpio.hpp"
#include "tests/emu/loader/sample_images.hpp"

namespace trapgate::emu {
namespace {

using samples::Bytes;
using testing::HasSubstr;

class BootImageTest : public testing::Test {
protected:
    BootImageTest() {
        std::string name = (std::filesystem::temp_directory_path() / "trapgate-boot-XXXXXX")
                               .string();
        folder_ = ::mkdtemp(name.data());
        auto machine = Machine::create({.ram_bytes = 16 << 20});
        EXPECT_TRUE(machine) << machine.error().message();
        machine_ = std::move(*machine);
    }
    ~BootImageTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::filesystem::path put(const char* name, const Bytes& bytes) {
        std::ofstream(folder_ / name)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        return folder_ / name;
    }
    // Writes 7 to the debug-exit port; it is entered with RSI at boot_params.
    static samples::Segment program() {
        return {.linked = 0xffff'ffff'8020'0000,
                .bytes = samples::bytes_of("\xb8\x07\x01\x01\x01\x0f\xb6\xc0\xe7\xf4\xf4"),
                .memory_bytes = 0x1000};
    }
    std::string refusal(const BootImage& image) {
        const Result<void> loaded = load_boot_image(*machine_, image);
        EXPECT_FALSE(loaded);
        return loaded ? std::string() : loaded.error().message();
    }
    template <class T>
    T zero_page(std::uint64_t at) const {
        return *machine_->memory().read<T>(GuestPa{machine_->cpu().gpr(cpu::Gpr::Rsi)} + at);
    }
    std::string ram_text(std::uint64_t at, std::size_t bytes) const {
        const auto view = machine_->memory().view(GuestPa{at}, bytes);
        return {reinterpret_cast<const char*>(view.data()), view.size()};
    }

    std::filesystem::path folder_;
    std::unique_ptr<Machine> machine_;
};

TEST_F(BootImageTest, RunsTheKernelInABzImage) {
    const Bytes kernel = samples::elf({program()});
    const auto path = put("vmlinuz", samples::bzimage(samples::pack(Compression::Xz, kernel),
                                                      static_cast<std::uint32_t>(kernel.size())));
    const Result<void> loaded = load_boot_image(*machine_, {path, "quiet", {}, {}});
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ(zero_page<std::uint8_t>(0x210), 0xff) << "type_of_loader";
    EXPECT_EQ(zero_page<std::uint8_t>(0x211), 0x81) << "loadflags";
    EXPECT_EQ(zero_page<std::uint64_t>(0x258), 0x100'0000U) << "the image's own pref_address";
    EXPECT_EQ(zero_page<std::uint8_t>(0x1ef), 0) << "the sentinel";
    EXPECT_EQ(ram_text(zero_page<std::uint32_t>(0x228), 6), std::string_view("quiet\0", 6));
    const StopEvent end = machine_->run({.max_instructions = 100});
    EXPECT_EQ(end.reason, StopReason::GuestExit);
    EXPECT_EQ(end.status, 7U);
}

TEST_F(BootImageTest, PlacesTheInitrdAtTheTopOfRam) {
    CpioWriter writer;
    writer.add_file("/init", samples::bytes_of("#!/bin/sh\n"), 0755);
    const Bytes archive = writer.finish();
    const auto initrd = put("initrd", samples::pack(Compression::Gzip, archive));
    const std::size_t size = std::filesystem::file_size(initrd);
    const auto kernel = put("vmlinux", samples::elf({program()}));
    ASSERT_TRUE(load_boot_image(*machine_, {kernel, "", initrd, {}}));
    EXPECT_EQ(zero_page<std::uint32_t>(0x218), (16U << 20) - 4096);
    EXPECT_EQ(zero_page<std::uint32_t>(0x21c), size);
    // With something over it: at the next multiple of 4, in one piece.
    ASSERT_TRUE(load_boot_image(*machine_, {kernel, "", initrd, archive}));
    const auto base = zero_page<std::uint32_t>(0x218);
    EXPECT_EQ(ram_text(base + (size + 3) / 4 * 4, 6), "070701");
    EXPECT_EQ(zero_page<std::uint32_t>(0x21c), (size + 3) / 4 * 4 + archive.size());
    // The overlay alone.
    ASSERT_TRUE(load_boot_image(*machine_, {kernel, "", {}, archive}));
    EXPECT_EQ(ram_text(zero_page<std::uint32_t>(0x218), 6), "070701");
}

TEST_F(BootImageTest, RefusesAnInitrdThatTheGuestCouldNotUse) {
    const auto kernel = put("vmlinux", samples::elf({program()}));
    CpioWriter writer;
    writer.add_file("/init", samples::bytes_of("#!/bin/sh\n"), 0755);
    const Bytes archive = writer.finish();
    const auto with = [&](const Bytes& initrd) {
        return refusal({kernel, "", put("initrd", initrd), {}});
    };
    EXPECT_THAT(refusal({kernel, "", folder_ / "missing", {}}), HasSubstr("No such file"));
    EXPECT_THAT(with({}), HasSubstr("the initrd is empty"));
    EXPECT_THAT(with(samples::bytes_of("hello")), HasSubstr("neither a cpio archive nor"));
    EXPECT_THAT(with(Bytes(archive.begin(), archive.end() - 30)), HasSubstr("damaged at byte"));
    Bytes packed = samples::pack(Compression::Xz, archive);
    packed[packed.size() / 2] ^= std::byte{1};
    EXPECT_THAT(with(packed), HasSubstr("the xz data is damaged"));
    EXPECT_THAT(with(samples::pack(Compression::Zstd, samples::bytes_of("hello"))),
                HasSubstr("no cpio archive"));
    Bytes trailed = archive;
    samples::append(trailed, "\0\0junk", 6);
    EXPECT_THAT(with(trailed), HasSubstr("data follows at byte"));
}

TEST_F(BootImageTest, RefusesAnInitrdThatDoesNotFit) {
    const auto kernel = put("vmlinux", samples::elf({program()}));
    const Bytes zeroes(20 << 20);
    CpioWriter writer;
    writer.add_file("/big", zeroes);
    const Bytes archive = writer.finish();
    EXPECT_THAT(refusal({kernel, "", put("initrd", archive), {}}),
                AllOf(HasSubstr("the initrd of 20.0 MiB does not fit"), HasSubstr("--mem")));
    // 20 MiB in a few KiB: it would fill the guest's RAM when unpacked.
    EXPECT_THAT(refusal({kernel, "", put("initrd", samples::pack(Compression::Zstd, archive)), {}}),
                HasSubstr("more than the guest's 16 MiB"));
}

TEST_F(BootImageTest, RefusesASegmentOutsideRam) {
    samples::Segment segment = program();
    segment.memory_bytes = 15 << 20;
    EXPECT_THAT(refusal({put("vmlinux", samples::elf({segment})), "", {}, {}}),
                AllOf(HasSubstr("outside RAM (16 MiB)"), HasSubstr("--mem")));
    segment = program();
    segment.physical = 0x8000;
    EXPECT_THAT(refusal({put("vmlinux", samples::elf({segment})), "", {}, {}}),
                HasSubstr("the first MiB is not for kernels"));
    segment.physical = UINT64_MAX - 10;
    EXPECT_THAT(refusal({put("vmlinux", samples::elf({segment})), "", {}, {}}),
                HasSubstr("outside RAM"));
}

TEST_F(BootImageTest, RefusesSegmentsThatOverlap) {
    samples::Segment other = program();
    other.physical += 0x800;
    EXPECT_THAT(refusal({put("vmlinux", samples::elf({program(), other})), "", {}, {}}),
                HasSubstr("two segments overlap at physical 0x200800"));
    other.physical = program().physical;
    EXPECT_THAT(refusal({put("vmlinux", samples::elf({program(), other})), "", {}, {}}),
                HasSubstr("two segments overlap"));
}

TEST_F(BootImageTest, RefusesAnEntryPointThatIsNotLoaded) {
    Bytes file = samples::elf({program()});
    samples::patch<std::uint64_t>(file, 24, 0xffff'ffff'8020'0000);
    EXPECT_THAT(refusal({put("vmlinux", file), "", {}, {}}),
                HasSubstr("entry point 0xffffffff80200000 lies in no loaded segment"));
}

TEST_F(BootImageTest, RefusesACommandLineThatIsTooLong) {
    const auto kernel = put("vmlinux", samples::elf({program()}));
    EXPECT_THAT(refusal({kernel, std::string(2048, 'a'), {}, {}}), HasSubstr("2048 bytes"));
    EXPECT_TRUE(load_boot_image(*machine_, {kernel, std::string(2047, 'a'), {}, {}}));
}

TEST_F(BootImageTest, TakesSymbolsFromKallsymsWhenThereAreNoOthers) {
    samples::Segment rodata{
        .physical = 0x40'0000,
        .linked = 0xffff'ffff'8100'0000,
        .bytes = samples::kallsyms(samples::some_symbols(300), {.with_sequences = true})};
    const auto kernel = put("vmlinux", samples::elf({program(), rodata}));
    ASSERT_TRUE(load_boot_image(*machine_, {kernel, "", {}, {}}));
    const Result<Symbol> symbol = machine_->symbols().find("startup_64");
    ASSERT_TRUE(symbol);
    EXPECT_EQ(symbol->address, GuestVa{0xffff'ffff'8100'0000});
    EXPECT_EQ(machine_->symbols().describe(GuestVa{0xffff'ffff'8100'0044}), "vfs_7919+0x4/0x40");
}

}  // namespace
}  // namespace trapgate::emu
