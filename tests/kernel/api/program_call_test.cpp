// SPDX-License-Identifier: GPL-2.0-only
// BPF_PROG_LOAD's rules around the verifier, each call made to us and to the Linux that runs the
// test; and what a loaded program keeps alive. The verifier's own verdicts are bpf/'s tests.
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/kernel/api/fake_guest.hpp"

namespace trapgate::kernel {
namespace {

using bpf::Insn;
using Attr = union bpf_attr;

std::uint64_t address(const void* at) { return reinterpret_cast<std::uint64_t>(at); }

constexpr Insn kReturnZero{.opcode = BPF_ALU64 | BPF_MOV | BPF_K, .dst = 0};
constexpr Insn kExit{.opcode = BPF_JMP | BPF_EXIT};
const std::vector<Insn> kGood = {kReturnZero, kExit};
const std::vector<Insn> kBad = {kExit};  // R0 !read_ok

std::vector<Insn> uses_map(int fd) {
    return {{.opcode = BPF_LD | BPF_IMM | BPF_DW, .dst = 1, .src = BPF_PSEUDO_MAP_FD, .imm = fd},
            {},
            kReturnZero,
            kExit};
}

struct Log {
    std::array<char, 4096> text{};
    Log() { text.fill('#'); }
};

class ProgramTest : public ::testing::Test {
protected:
    long load(const std::vector<Insn>& insns, const std::function<void(Attr&)>& change = {}) {
        Attr attr = program_attr(BPF_PROG_TYPE_KPROBE, insns);
        if (change) {
            change(attr);
        }
        return guest.kernel.bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
    }
    long linux_load(const std::vector<Insn>& insns, const std::function<void(Attr&)>& change = {}) {
        Attr attr = program_attr(BPF_PROG_TYPE_KPROBE, insns);
        if (change) {
            change(attr);
        }
        const long answer = linux_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
        if (answer >= 0) {
            ::close(static_cast<int>(answer));
        }
        return answer;
    }
    void expect_same(const char* what, const std::vector<Insn>& insns,
                     const std::function<void(Attr&)>& change = {}) {
        if (!linux_answers_bpf()) {
            GTEST_SKIP() << "the Linux that runs this does not answer bpf(2)";
        }
        const long theirs = linux_load(insns, change);
        const long ours = load(insns, change);
        EXPECT_EQ(std::min(ours, 0L), std::min(theirs, 0L)) << what;
        if (ours >= 0) {
            ::close(static_cast<int>(ours));
        }
    }
    FakeGuest guest;
};

TEST_F(ProgramTest, TheAttributesAreJudgedAlike) {
    expect_same("good", kGood);
    expect_same("bad", kBad);
    expect_same("no instructions", kGood, [](Attr& a) { a.insn_cnt = 0; });
    expect_same("too many", kGood, [](Attr& a) { a.insn_cnt = 1'000'001; });
    expect_same("instructions nowhere", kGood, [](Attr& a) { a.insns = 0; });
    expect_same("licence nowhere", kGood, [](Attr& a) { a.license = 0; });
    expect_same("another licence", kGood, [](Attr& a) { a.license = address("none"); });
    expect_same("a name", kGood, [](Attr& a) { std::strcpy(a.prog_name, "my_prog"); });
    expect_same("a bad name", kGood, [](Attr& a) { std::strcpy(a.prog_name, "my prog"); });
    expect_same("flags", kGood, [](Attr& a) { a.prog_flags = 1U << 30; });
    expect_same("strict alignment", kGood, [](Attr& a) { a.prog_flags = BPF_F_STRICT_ALIGNMENT; });
    expect_same("no such type", kGood, [](Attr& a) { a.prog_type = 9999; });
    expect_same("unspecified type", kGood, [](Attr& a) { a.prog_type = BPF_PROG_TYPE_UNSPEC; });
    expect_same("any kernel version", kGood, [](Attr& a) { a.kern_version = 77; });
    expect_same("an attach type kprobes ignore", kGood,
                [](Attr& a) { a.expected_attach_type = 3; });
    expect_same("BTF id", kGood, [](Attr& a) { a.attach_btf_id = 1; });
    expect_same("an interface", kGood, [](Attr& a) { a.prog_ifindex = 77; });
    expect_same("no BTF", kGood, [](Attr& a) {
        a.prog_btf_fd = 9999;
        a.func_info_cnt = 1;
        a.func_info_rec_size = 8;
    });
}

TEST_F(ProgramTest, LogBuffersAreJudgedAlike) {
    Log log;
    const auto with = [&](std::uint32_t level, std::uint32_t size, const void* to) {
        return [=](Attr& a) {
            a.log_level = level;
            a.log_size = size;
            a.log_buf = address(to);
        };
    };
    for (const std::vector<Insn>& insns : {kGood, kBad}) {
        expect_same("level only", insns, with(1, 0, nullptr));
        expect_same("buffer without level", insns, with(0, 4096, log.text.data()));
        expect_same("buffer without size", insns, with(1, 0, log.text.data()));
        expect_same("size without buffer", insns, with(1, 4096, nullptr));
        expect_same("level 2", insns, with(2, 4096, log.text.data()));
        expect_same("level 16", insns, with(16, 4096, log.text.data()));
        expect_same("a tiny buffer", insns, with(1, 4, log.text.data()));
        expect_same("a buffer of one", insns, with(1, 1, log.text.data()));
        expect_same("a huge size", insns, with(1, UINT32_MAX, log.text.data()));
        expect_same("nowhere", insns, with(1, 4096, reinterpret_cast<void*>(8)));
    }
}

TEST_F(ProgramTest, ALogThatDoesNotFitKeepsItsEnd) {
    Log whole;
    ASSERT_EQ(load(kBad,
                   [&](Attr& a) {
                       a.log_level = 1;
                       a.log_size = sizeof(whole.text);
                       a.log_buf = address(whole.text.data());
                   }),
              -EACCES);
    const std::string all = whole.text.data();
    ASSERT_NE(all.find("!read_ok"), std::string::npos) << all;

    Log small;
    ASSERT_EQ(load(kBad,
                   [&](Attr& a) {
                       a.log_level = 1;
                       a.log_size = 16;
                       a.log_buf = address(small.text.data());
                   }),
              -ENOSPC);
    EXPECT_EQ(std::string(small.text.data()), all.substr(all.size() - 15));
    EXPECT_EQ(small.text[16], '#') << "nothing behind the buffer's end";
}

TEST_F(ProgramTest, AProgramKeepsItsMapsUntilItsLastDescriptorCloses) {
    Attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
    const long map = guest.kernel.bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
    const long program = load(uses_map(static_cast<int>(map)));
    ASSERT_GE(program, 0);
    ::close(static_cast<int>(map));
    guest.kernel.reap();
    ASSERT_EQ(guest.kernel.maps().size(), 1U);
    EXPECT_EQ(guest.kernel.programs().at(0)->maps.at(0), guest.kernel.maps().at(0));
    ::close(static_cast<int>(program));
    guest.kernel.reap();
    EXPECT_EQ(guest.kernel.maps().size(), 0U);
    EXPECT_EQ(guest.probes.placed, 0);
}

TEST_F(ProgramTest, WrongMapDescriptorsAreJudgedAlike) {
    expect_same("not open", uses_map(9999));
    expect_same("negative", uses_map(-1));
    expect_same("not a map", uses_map(0));
}

TEST_F(ProgramTest, AnotherKernelsMapIsNoMapHere) {
    FakeGuest other;
    Attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
    const long map = other.kernel.bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
    EXPECT_EQ(load(uses_map(static_cast<int>(map))), -EINVAL);
    ::close(static_cast<int>(map));
}

TEST_F(ProgramTest, IdsNameLivingObjects) {
    const long first = load(kGood);
    const long second = load(kGood);
    Attr attr;
    std::memset(&attr, 0, sizeof(attr));
    ASSERT_EQ(guest.kernel.bpf(BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)), 0);
    EXPECT_EQ(attr.next_id, 1U);
    ::close(static_cast<int>(first));
    std::memset(&attr, 0, sizeof(attr));
    ASSERT_EQ(guest.kernel.bpf(BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)), 0);
    EXPECT_EQ(attr.next_id, 2U);
    attr.start_id = 2;
    attr.next_id = 0;
    EXPECT_EQ(guest.kernel.bpf(BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)), -ENOENT);

    std::memset(&attr, 0, sizeof(attr));
    attr.prog_id = 2;
    const long again = guest.kernel.bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
    ASSERT_GE(again, 0);
    ::close(static_cast<int>(second));
    guest.kernel.reap();
    EXPECT_EQ(guest.kernel.programs().size(), 1U);
    attr.prog_id = 1;
    EXPECT_EQ(guest.kernel.bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr)), -ENOENT);
    ::close(static_cast<int>(again));
}

TEST_F(ProgramTest, InfoGivesInstructionsAndTag) {
    const long fd = load(kGood, [](Attr& a) { std::strcpy(a.prog_name, "zero"); });
    ASSERT_GE(fd, 0);
    std::array<Insn, 4> insns{};
    bpf_prog_info info{};
    info.xlated_prog_insns = address(insns.data());
    info.xlated_prog_len = sizeof(insns);
    Attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
    attr.info.info = address(&info);
    attr.info.info_len = sizeof(info);
    ASSERT_EQ(guest.kernel.bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
    EXPECT_STREQ(info.name, "zero");
    EXPECT_EQ(info.xlated_prog_len, 16U);
    EXPECT_EQ(insns[0], kReturnZero);
    EXPECT_EQ(insns[1], kExit);
    EXPECT_EQ(info.load_time, 42U);
    EXPECT_EQ(info.gpl_compatible, 1U);
    // SHA-1 of b7 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00, as bpftool on a Linux before 6.17
    // shows it.
    const std::array<std::uint8_t, 8> tag{0xa0, 0x4f, 0x5e, 0xef, 0x06, 0xa7, 0xf5, 0x55};
    EXPECT_EQ(std::memcmp(info.tag, tag.data(), tag.size()), 0);
    ::close(static_cast<int>(fd));
}

TEST_F(ProgramTest, BoundMapsLiveWithTheProgram) {
    Attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
    const long map = guest.kernel.bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
    const long program = load(kGood);
    std::memset(&attr, 0, sizeof(attr));
    attr.prog_bind_map.prog_fd = static_cast<std::uint32_t>(program);
    attr.prog_bind_map.map_fd = static_cast<std::uint32_t>(map);
    EXPECT_EQ(guest.kernel.bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)), 0);
    EXPECT_EQ(guest.kernel.bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)), 0) << "twice is once";
    ::close(static_cast<int>(map));
    guest.kernel.reap();
    EXPECT_EQ(guest.kernel.maps().size(), 1U);
    ::close(static_cast<int>(program));
}

}  // namespace
}  // namespace trapgate::kernel
