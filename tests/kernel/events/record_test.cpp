// SPDX-License-Identifier: GPL-2.0-only
// From registers and memory to the bytes of a record, and to the line that is shown.
#include "kernel/events/record.hpp"

#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "tests/kernel/events/fake_kernel.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint64_t kData = 0xffff'8880'0001'0000;
constexpr std::uint64_t kUser = 0x7f00'0000'1000;
constexpr std::uint64_t kStack = 0xffff'c900'0000'3f00;  // Of a stack that ends at ...4000.

class Records : public testing::Test {
protected:
    Records() {
        memory_.put_word(kData, 0x1122'3344'5566'7788);
        memory_.put_word(kData + 8, kData + 0x100);
        memory_.put_word(kData + 16, kUser);
        memory_.put_word(kData + 24, 0xdead'0000'0000);
        memory_.put_string(kData + 0x100, "kernel text");
        memory_.put_string(kUser, "/etc/passwd");
        memory_.put_word(kStack, 0xffff'ffff'8100'1234);
        memory_.put_word(kStack + 8, 7);
        regs_.di = kData;
        regs_.si = kUser;
        regs_.dx = 0xffff'ff9c;
        regs_.ax = static_cast<std::uint64_t>(-22);
        regs_.sp = kStack;
        regs_.ip = 0xffff'ffff'8100'1001;
    }

    EventRecord record(const std::string& line) {
        definition_ = parse_definition(line, facts_).value();
        const HitView hit{regs_,
                          memory_,
                          "bash",
                          backend_.symbol_texts().with_offset,
                          [this](std::string_view name) { return facts_.address_of(name); },
                          {11, 22}};
        return make_record(definition_, {2000, 1, 2, -5, 0xffff'ffff'8100'1000, 0x123}, hit);
    }

    /// What is shown of the arguments.
    std::string shown(const std::string& args, const std::string& head = "p:e vfs_read ") {
        const EventRecord made = record(head + args);
        const EventView view = make_view(definition_, made, {}, backend_.symbol_texts());
        const std::string text = view.text();
        return text.substr(text.find(')') + 1);
    }

    const test::FakeFacts facts_;
    const test::FakeBackend backend_;
    test::FakeMemory memory_;
    bpf::PtRegs regs_;
    ProbeDefinition definition_;
};

TEST_F(Records, AreLaidOutAsLinuxLaysThemOut) {
    const EventRecord made = record("p:e vfs_read a=%di:u8 b=+0(%si):string c=%dx:s32");
    EXPECT_EQ(made.number(0, 2), 2000U);
    EXPECT_EQ(made.number(2, 1), 1U);
    EXPECT_EQ(made.number(3, 1), 2U);
    EXPECT_EQ(static_cast<std::int32_t>(made.number(4, 4)), -5);
    EXPECT_EQ(made.number(8, 8), 0xffff'ffff'8100'1000);
    EXPECT_EQ(made.number(16, 1), kData & 0xff);
    EXPECT_EQ(made.number(17, 4), 12U << 16 | 25);
    EXPECT_EQ(made.number(21, 4), 0xffff'ff9cU);
    EXPECT_EQ(made.bytes.size(), 25U + 12);
    EXPECT_EQ(made.string(17), "/etc/passwd");
    EXPECT_EQ(std::memcmp(made.bytes.data() + 25, "/etc/passwd", 12), 0);
    const EventRecord back = record("r:e vfs_read a=$retval");
    EXPECT_EQ(back.number(16, 8), 0x123U);
    EXPECT_EQ(back.number(24, 8), regs_.ax);
}

TEST_F(Records, FetchFromEverySource) {
    EXPECT_EQ(shown("%di"), " arg1=0xffff888000010000");
    EXPECT_EQ(shown("%ip %flags %orig_ax:s64"), " arg1=0xffffffff81001001 arg2=0x0 arg3=-1");
    EXPECT_EQ(shown("$stack $stack0 $stack1:u32 $stack31 $stack32"),
              " arg1=0xffffc90000003f00 arg2=0xffffffff81001234 arg3=7 arg4=0x0 arg5=0x0");
    EXPECT_EQ(shown("$arg3:s32 $arg4:x8"), " count=-100 pos=0x0");
    EXPECT_EQ(shown("$comm \\\"text\" \\-3:s8"), " arg1=\"bash\" arg2=\"text\" arg3=-3");
    EXPECT_EQ(shown("$retval:s32 $arg1:u8 b=$arg3:u8", "r:e vfs_read "), " arg1=-22 file=11 b=22");
    memory_.put_word(0xffff'ffff'8200'0008, 99);
    EXPECT_EQ(shown("@jiffies+8:u64"), " arg1=99");
    EXPECT_EQ(shown("@0xffffffff82000008:u16"), " arg1=99");
}

TEST_F(Records, ShowEveryType) {
    EXPECT_EQ(shown("a=+0(%di):u8 b=+0(%di):u16 c=+0(%di):u32 d=+0(%di):u64"),
              " a=136 b=30600 c=1432778632 d=1234605616436508552");
    EXPECT_EQ(shown("a=+0(%di):s8 b=+0(%di):x8 c=+0(%di):x64 d=+4(%di):x32"),
              " a=-120 b=0x88 c=0x1122334455667788 d=0x11223344");
    EXPECT_EQ(shown("a=+0(%si):char b=+0(%si):char[4]"), " a='/' b={'/','e','t','c'}");
    EXPECT_EQ(shown("a=+0(%di):b4@4/8 b=+0(%di):b12@8/32 c=+0(%di):b64@0/64"),
              " a=8 b=1655 c=1234605616436508552");
    EXPECT_EQ(shown("a=%ip:symbol b=%di:symbol c=%ip:symstr"),
              " a=vfs_read+0x0/0x60 b=0x123 c=\"vfs_read+0x0/0x60\"");
    EXPECT_EQ(shown("+0(%di):u16[3]"), " arg1={30600,21862,13124}");
}

TEST_F(Records, FollowPointersIntoKernelAndUser) {
    EXPECT_EQ(shown("+0(+8(%di)):string"), " arg1=\"kernel text\"");
    EXPECT_EQ(shown("+0(+16(%di)):string"), " arg1=\"/etc/passwd\"");
    EXPECT_EQ(shown("+5(+u16(%di)):string -3(+11(%si)):ustring"), " arg1=(fault) arg2=(fault)");
    EXPECT_EQ(shown("+u0(+16(%di)):string +u5(%si):string"),
              " arg1=\"/etc/passwd\" arg2=\"passwd\"");
    EXPECT_EQ(shown("+8(%di):string[2]"), " arg1={\"kernel text\",\"/etc/passwd\"}");
    EXPECT_EQ(shown("+u0(+8(%di)):string"), " arg1=(fault)");
    EXPECT_EQ(shown("+0(+8(%di)):ustring"), " arg1=(fault)");
}

TEST_F(Records, SayWhatCouldNotBeRead) {
    EXPECT_EQ(shown("+0(%ax):u32 +0(+24(%di)):string +0(+0(%bx)):u64 %di:u8"),
              " arg1=(fault) arg2=(fault) arg3=(fault) arg4=0");
    EXPECT_EQ(shown("+8(%di):string[4]"),
              " arg1={\"kernel text\",\"/etc/passwd\",(fault),(fault)}");
    // Between user and kernel lies nothing, whatever the memory says.
    memory_.put_word(0x8000'0000'0000, 1);
    regs_.bx = 0x8000'0000'0000;
    EXPECT_EQ(shown("+0(%bx):u8"), " arg1=(fault)");
}

TEST_F(Records, CutLongStringsAndKeepCountOfTheirOffsets) {
    memory_.put_string(kData + 0x1000, std::string(9000, 'x'));
    regs_.bx = kData + 0x1000;
    const EventRecord made = record("p:e vfs_read +0(%bx):string");
    EXPECT_EQ(made.string(16), std::string(kMaxString - 1, 'x'));
    std::string all = "p:e vfs_read";
    for (int i = 0; i < 128; ++i) {
        all += " +0(%bx):string";
    }
    const EventRecord big = record(all);
    EXPECT_LE(big.bytes.size(), 0xffffU + 1);
    EXPECT_EQ(big.string(16 + 14 * 4).size(), kMaxString - 1);
    EXPECT_TRUE(big.faulted(16 + 127 * 4));
    EXPECT_EQ(big.string(16 + 127 * 4), "");
}

TEST_F(Records, HaveTheLineOfFtrace) {
    const EventRecord made = record("p:open vfs_read fd=%dx:s32");
    TraceContext context{"bash", 1234, 2, 12'345'678'900, kIrqsOff | kNeedResched | kHardIrq, 3};
    EXPECT_EQ(
        make_view(definition_, made, context, backend_.symbol_texts()).line(),
        "            bash-1234    [002] dnh3.    12.345679: open: (vfs_read+0x0/0x60) fd=-100");
    context = {"<idle>", 0, 0, 500, 0, 0};
    const EventRecord back = record("r:back vfs_read $retval:s32");
    EXPECT_EQ(
        make_view(definition_, back, context, backend_.symbol_texts()).line(),
        "          <idle>-0       [000] .....     0.000001: back: (0x123 <- vfs_read) arg1=-22");
}

TEST_F(Records, OfAnyRegistersAndMemoryCanBeShown) {
    std::mt19937_64 random(7);
    const std::vector<std::string> args{
        "+0(%di):string",  "+0(+8(%di)):u64",   "%si:symbol",       "+0(%di):b9@3/16", "$stack7",
        "+0(%di):char[7]", "+0(%si):string[5]", "+u0(%di):ustring", "@0x1000:u8[64]",  "$arg9"};
    for (int round = 0; round < 2'000; ++round) {
        regs_.di = random() >> (random() % 64);
        regs_.si = random() % 2 == 0 ? kData + random() % 64 : random();
        regs_.sp = random() % 2 == 0 ? kStack + random() % 256 : random();
        std::string line;
        for (std::size_t i = 0; i < args.size(); ++i) {
            line += "a" + std::to_string(i) + "=" + args[random() % args.size()] + " ";
        }
        EXPECT_FALSE(shown(line).empty());
    }
}

}  // namespace
}  // namespace trapgate::kernel
