// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/cpio.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/emu/loader/sample_images.hpp"

namespace trapgate::emu {
namespace {

using samples::Bytes;
using testing::HasSubstr;

std::string text_of(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

Bytes sample() {
    CpioWriter writer;
    writer.add_file("/bin/busybox", samples::bytes_of("program"), 0755);
    writer.add_symlink("/bin/sh", "busybox");
    writer.add_character_device("/dev/console", 5, 1);
    writer.add_block_device("dev/vda", 254, 0);
    writer.add_directory("/proc/");
    writer.add_file("/empty", {});
    return writer.finish();
}

TEST(Cpio, ReadsBackWhatWasWritten) {
    const Bytes bytes = sample();
    const Result<CpioArchive> archive = read_cpio(bytes);
    ASSERT_TRUE(archive) << archive.error().message();
    std::vector<std::string> lines;
    for (const CpioEntry& entry : archive->entries) {
        lines.push_back(fmt::format("{} {:o} {} {}:{} '{}'", entry.path, entry.mode, entry.links,
                                    entry.device_major, entry.device_minor, text_of(entry.data)));
    }
    EXPECT_THAT(lines, testing::ElementsAre("bin 40755 2 0:0 ''",  //
                                            "bin/busybox 100755 1 0:0 'program'",
                                            "bin/sh 120777 1 0:0 'busybox'",  //
                                            "dev 40755 2 0:0 ''", "dev/console 20600 1 5:1 ''",
                                            "dev/vda 60600 1 254:0 ''",  //
                                            "proc 40755 2 0:0 ''",       //
                                            "empty 100644 1 0:0 ''"));
    EXPECT_EQ(archive->bytes, bytes.size());
}

TEST(Cpio, IsTheSameEachTimeItIsWritten) { EXPECT_EQ(sample(), sample()); }

TEST(Cpio, AWriterIsEmptyAfterItGaveItsArchiveAway) {
    CpioWriter writer;
    writer.add_file("/a/b", {});
    const Bytes first = writer.finish();
    writer.add_file("/a/b", {});
    EXPECT_EQ(writer.finish(), first);
}

TEST(Cpio, IsRefusedWhenCutAnywhere) {
    const Bytes good = sample();
    // The padding after the trailer may be missing.
    for (std::size_t size = 0; size + 4 < good.size(); ++size) {
        const auto archive = read_cpio(std::span(good).first(size));
        ASSERT_FALSE(archive) << size;
        EXPECT_THAT(archive.error().what, HasSubstr("damaged at byte"));
    }
}

TEST(Cpio, IsRefusedForDigitsThatAreNone) {
    Bytes bad = sample();
    bad[6 + 8] = std::byte{'g'};
    EXPECT_THAT(read_cpio(bad).error().what, HasSubstr("not hexadecimal"));
}

TEST(Cpio, IsRefusedForAWrongChecksum) {
    Bytes bytes = sample();
    // The first entry with data: turn it into one with a checksum.
    const auto at = static_cast<std::size_t>(
        std::search(bytes.begin(), bytes.end(), std::begin("bin/busybox"),
                    std::end("bin/busybox") - 1,
                    [](std::byte a, char b) { return a == static_cast<std::byte>(b); }) -
        bytes.begin() - 110);
    bytes[at + 5] = std::byte{'2'};
    EXPECT_THAT(read_cpio(bytes).error().what, HasSubstr("checksum of bin/busybox"));
    const std::string sum = fmt::format("{:08x}", 'p' + 'r' + 'o' + 'g' + 'r' + 'a' + 'm');
    std::memcpy(bytes.data() + at + 6 + 12 * 8, sum.data(), 8);
    EXPECT_TRUE(read_cpio(bytes));
}

TEST(Cpio, GivesTheLengthOfTheFirstOfSeveralArchives) {
    const Bytes one = sample();
    Bytes two = one;
    samples::append(two, one.data(), one.size());
    const Result<CpioArchive> archive = read_cpio(two);
    ASSERT_TRUE(archive);
    EXPECT_EQ(archive->bytes, one.size());
}

}  // namespace
}  // namespace trapgate::emu
