// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/printk_format.hpp"

#include <cerrno>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate::bpf {
namespace {

const PrintkSource kSource{
    .string_at = [](GuestVa va, std::size_t limit) -> std::optional<std::string> {
        return va.value == 0x1000 ? std::optional(std::string("text").substr(0, limit))
                                  : std::nullopt;
    },
    .bytes_at = [](GuestVa, std::size_t bytes) -> std::optional<std::string> {
        return std::string("\x0a\x00\x00\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x01",
                           bytes);
    },
    .symbol = [](GuestVa) { return std::string("vfs_open+0x4/0x80"); },
};

std::string shown(const std::string& format, std::vector<std::uint64_t> args = {0, 0, 0}) {
    std::string out;
    const int length = format_printk({format.c_str(), format.size() + 1}, args, kSource, out);
    if (length < 0) {
        return "error " + std::to_string(length);
    }
    EXPECT_EQ(static_cast<std::size_t>(length), out.size());
    return out;
}

TEST(FormatPrintk, Integers) {
    EXPECT_EQ(shown("%d %i %u", {~0ULL, 7, ~0ULL}), "-1 7 4294967295");
    EXPECT_EQ(shown("%ld %llu %lx", {~0ULL, ~0ULL, ~0ULL}),
              "-1 18446744073709551615 ffffffffffffffff");
    EXPECT_EQ(shown("%x %X", {0x1'0000'abcd, 0xabcd}), "abcd ABCD");
    EXPECT_EQ(shown("%lld", {1ULL << 63}), "-9223372036854775808");
    EXPECT_EQ(shown("%c%c", {'o', 'k'}), "ok");
    EXPECT_EQ(shown("100%%"), "100%");
}

TEST(FormatPrintk, FlagsAndWidth) {
    EXPECT_EQ(shown("[%5d][%-5d][%05d]", {42, 42, static_cast<std::uint64_t>(-42)}),
              "[   42][42   ][-0042]");
    EXPECT_EQ(shown("[%+d][% d]", {42, 42}), "[+42][ 42]");
    EXPECT_EQ(shown("[%8s][%-8s]", {0x1000, 0x1000}), "[    text][text    ]");
}

TEST(FormatPrintk, PointersStringsAndSymbols) {
    EXPECT_EQ(shown("%p %px %pK", {0xffff'ffff'8100'0000, 0x10, 0}),
              "ffffffff81000000 0000000000000010 0000000000000000");
    EXPECT_EQ(shown("%s,%pks,%pus", {0x1000, 0x1000, 0x1000}), "text,text,text");
    EXPECT_EQ(shown("[%s]", {0x2000}), "[]");
    EXPECT_EQ(shown("%pS %ps %pB", {1, 1, 1}), "vfs_open+0x4/0x80 vfs_open vfs_open+0x4/0x80");
    EXPECT_EQ(shown("%pI4 %pi4", {1, 1}), "10.0.0.1 010.000.000.001");
    EXPECT_EQ(shown("%pI6", {1}), "0a00:0001:2001:0db8:0000:0000:0000:0001");
    EXPECT_EQ(shown("%pi6", {1}), "0a00000120010db80000000000000001");
}

TEST(FormatPrintk, RefusesWhatLinuxRefuses) {
    const std::string invalid = "error " + std::to_string(-EINVAL);
    for (const char* format : {"%", "%f", "%hd", "%lld%d%d%d", "%sx", "%pz", "%pI5", "%llc", "%n",
                               "\x01", "%lllu", "%5"}) {
        EXPECT_EQ(shown(format), invalid) << format;
    }
    std::string out;
    EXPECT_EQ(format_printk("no end", {}, kSource, out), -EINVAL);
}

TEST(FormatPrintk, PassesTextBeyondAsciiThrough) {
    EXPECT_EQ(shown("caf\xc3\xa9\n\t%d", {1}), "caf\xc3\xa9\n\t1");
}

TEST(FormatPrintk, EndsAtTheFirstNul) {
    std::string out;
    EXPECT_EQ(format_printk(std::string_view("ab\0%d", 5), {}, kSource, out), 2);
    EXPECT_EQ(out, "ab");
}

}  // namespace
}  // namespace trapgate::bpf
