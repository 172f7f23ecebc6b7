// SPDX-License-Identifier: GPL-2.0-only
// bpf(2) for maps, each call made twice: to us, and to the Linux that runs the test. The answers
// must be the same.
#include <array>
#include <cstring>
#include <functional>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/kernel/api/fake_guest.hpp"

namespace trapgate::kernel {
namespace {

using Attr = union bpf_attr;

std::uint64_t address(const void* at) { return reinterpret_cast<std::uint64_t>(at); }

/// The same calls to both kernels, with each one's own descriptors.
class BothTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!linux_answers_bpf()) {
            GTEST_SKIP() << "the Linux that runs this does not answer bpf(2)";
        }
    }

    struct Answers {
        long ours;
        long linux;
    };
    Answers call(int cmd, const Attr& attr, unsigned size = sizeof(Attr)) {
        Attr mine = attr;
        Attr theirs = attr;
        return {guest.kernel.bpf(cmd, &mine, size), linux_bpf(cmd, &theirs, size)};
    }
    /// Map descriptors differ: `fill` is called with each kernel's own.
    Answers on_map(int cmd, const std::function<void(Attr&, bool ours)>& fill,
                   unsigned size = sizeof(Attr)) {
        Attr mine;
        Attr theirs;
        std::memset(&mine, 0, sizeof(mine));
        std::memset(&theirs, 0, sizeof(theirs));
        mine.map_fd = static_cast<std::uint32_t>(our_fd);
        theirs.map_fd = static_cast<std::uint32_t>(linux_fd);
        fill(mine, true);
        fill(theirs, false);
        return {guest.kernel.bpf(cmd, &mine, size), linux_bpf(cmd, &theirs, size)};
    }
    void make_map(const Attr& attr) {
        const auto [ours, theirs] = call(BPF_MAP_CREATE, attr);
        ASSERT_GE(ours, 0);
        ASSERT_GE(theirs, 0);
        our_fd = static_cast<int>(ours);
        linux_fd = static_cast<int>(theirs);
    }
    void expect_same(const char* what, Answers answers) {
        const auto verdict = [](long answer) { return answer >= 0 ? 0 : answer; };
        EXPECT_EQ(verdict(answers.ours), verdict(answers.linux)) << what;
    }
    void TearDown() override {
        ::close(our_fd);
        ::close(linux_fd);
    }

    FakeGuest guest;
    int our_fd = -1;
    int linux_fd = -1;
};

TEST_F(BothTest, MapCreationIsJudgedAlike) {
    constexpr std::uint32_t kArray = BPF_MAP_TYPE_ARRAY;
    constexpr std::uint32_t kRing = BPF_MAP_TYPE_RINGBUF;
    const std::array attrs = {
        map_attr(kArray, 4, 8, 1),
        map_attr(kArray, 4, 0, 1),
        map_attr(kArray, 8, 8, 1),
        map_attr(kArray, 4, 8, 0),
        map_attr(kArray, 4, 8, 1, BPF_F_NO_PREALLOC),
        map_attr(kArray, 4, 8, 1, BPF_F_MMAPABLE),
        map_attr(kArray, 4, 8, 1, BPF_F_RDONLY),
        map_attr(kArray, 4, 8, 1, BPF_F_WRONLY),
        map_attr(kArray, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY),
        map_attr(kArray, 4, 8, 1, BPF_F_RDONLY_PROG),
        map_attr(kArray, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG),
        map_attr(kArray, 4, 8, 1, 1U << 30),
        map_attr(kRing, 0, 0, 4096),
        map_attr(kRing, 0, 0, 8192),
        map_attr(kRing, 0, 0, 6000),
        map_attr(kRing, 0, 0, 0),
        map_attr(kRing, 0, 0, 2048),
        map_attr(kRing, 4, 0, 4096),
        map_attr(kRing, 0, 8, 4096),
        map_attr(kRing, 0, 0, 4096, BPF_F_MMAPABLE),
        map_attr(9999, 4, 8, 1),
        map_attr(0, 4, 8, 1),
    };
    for (std::size_t i = 0; i < attrs.size(); ++i) {
        const Answers answers = call(BPF_MAP_CREATE, attrs[i]);
        expect_same(("case " + std::to_string(i)).c_str(), answers);
        if (answers.ours >= 0) {
            ::close(static_cast<int>(answers.ours));
        }
        if (answers.linux >= 0) {
            ::close(static_cast<int>(answers.linux));
        }
    }
}

TEST_F(BothTest, MapNamesAndOddFieldsAreJudgedAlike) {
    const auto with = [&](const std::function<void(Attr&)>& change) {
        Attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
        change(attr);
        const Answers answers = call(BPF_MAP_CREATE, attr);
        if (answers.ours >= 0) {
            ::close(static_cast<int>(answers.ours));
        }
        if (answers.linux >= 0) {
            ::close(static_cast<int>(answers.linux));
        }
        return answers;
    };
    expect_same("a name", with([](Attr& a) { std::strcpy(a.map_name, "my.map_1"); }));
    expect_same("a blank", with([](Attr& a) { std::strcpy(a.map_name, "my map"); }));
    expect_same("a name without end",
                with([](Attr& a) { std::memset(a.map_name, 'x', sizeof(a.map_name)); }));
    expect_same("map_extra", with([](Attr& a) { a.map_extra = 1; }));
    expect_same("an inner map", with([](Attr& a) { a.inner_map_fd = 77; }));
    expect_same("an interface", with([](Attr& a) { a.map_ifindex = 77; }));
    expect_same("a key type without a value type", with([](Attr& a) { a.btf_key_type_id = 1; }));
    expect_same("types without BTF", with([](Attr& a) {
                    a.btf_fd = 9999;
                    a.btf_key_type_id = 1;
                    a.btf_value_type_id = 1;
                }));
    expect_same("struct_ops value", with([](Attr& a) { a.btf_vmlinux_value_type_id = 1; }));
}

TEST_F(BothTest, ArrayElementsBehaveAlike) {
    make_map(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 2));
    std::uint32_t key = 1;
    std::uint32_t outside = 2;
    std::uint64_t value = 0x1122334455667788;
    std::uint64_t read_back[2] = {};
    const auto element = [&](int cmd, const void* k, const void* v, std::uint64_t flags) {
        return on_map(cmd, [&](Attr& a, bool) {
            a.key = address(k);
            a.value = address(v);
            a.flags = flags;
        });
    };
    expect_same("update", element(BPF_MAP_UPDATE_ELEM, &key, &value, BPF_ANY));
    expect_same("noexist", element(BPF_MAP_UPDATE_ELEM, &key, &value, BPF_NOEXIST));
    expect_same("exist", element(BPF_MAP_UPDATE_ELEM, &key, &value, BPF_EXIST));
    expect_same("flag 3", element(BPF_MAP_UPDATE_ELEM, &key, &value, 3));
    expect_same("lock", element(BPF_MAP_UPDATE_ELEM, &key, &value, BPF_F_LOCK));
    expect_same("flag 8", element(BPF_MAP_UPDATE_ELEM, &key, &value, 8));
    expect_same("outside", element(BPF_MAP_UPDATE_ELEM, &outside, &value, BPF_ANY));
    expect_same("bad key", element(BPF_MAP_UPDATE_ELEM, nullptr, &value, BPF_ANY));
    expect_same("bad value", element(BPF_MAP_UPDATE_ELEM, &key, nullptr, BPF_ANY));

    const Answers found = on_map(BPF_MAP_LOOKUP_ELEM, [&](Attr& a, bool ours) {
        a.key = address(&key);
        a.value = address(&read_back[ours ? 0 : 1]);
    });
    expect_same("lookup", found);
    EXPECT_EQ(read_back[0], value);
    EXPECT_EQ(read_back[1], value);
    expect_same("lookup outside", element(BPF_MAP_LOOKUP_ELEM, &outside, &value, 0));
    expect_same("lookup to nowhere", element(BPF_MAP_LOOKUP_ELEM, &key, nullptr, 0));
    expect_same("lookup with flag 1", element(BPF_MAP_LOOKUP_ELEM, &key, &value, 1));
    expect_same("lookup with lock", element(BPF_MAP_LOOKUP_ELEM, &key, &value, BPF_F_LOCK));
    expect_same("delete",
                on_map(BPF_MAP_DELETE_ELEM, [&](Attr& a, bool) { a.key = address(&key); }));
    expect_same("delete with a flag", on_map(BPF_MAP_DELETE_ELEM, [&](Attr& a, bool) {
                    a.key = address(&key);
                    a.flags = 1;
                }));
}

TEST_F(BothTest, KeysAreWalkedAlike) {
    make_map(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 2));
    for (const std::uint32_t start : {0U, 1U, 2U, 77U}) {
        std::array<std::uint32_t, 2> next{99, 99};
        expect_same("next", on_map(BPF_MAP_GET_NEXT_KEY, [&](Attr& a, bool ours) {
                        a.key = address(&start);
                        a.next_key = address(&next[ours ? 0 : 1]);
                    }));
        EXPECT_EQ(next[0], next[1]) << "after " << start;
    }
    std::array<std::uint32_t, 2> first{99, 99};
    expect_same("first", on_map(BPF_MAP_GET_NEXT_KEY, [&](Attr& a, bool ours) {
                    a.next_key = address(&first[ours ? 0 : 1]);
                }));
    EXPECT_EQ(first[0], first[1]);
    expect_same("to nowhere", on_map(BPF_MAP_GET_NEXT_KEY, [](Attr&, bool) {}));
}

TEST_F(BothTest, RingsHaveNoElements) {
    make_map(map_attr(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096));
    std::uint64_t word = 0;
    for (const int cmd :
         {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY}) {
        expect_same("without key", on_map(cmd, [](Attr&, bool) {}));
        expect_same("with key", on_map(cmd, [&](Attr& a, bool) { a.key = address(&word); }));
        expect_same("with both", on_map(cmd, [&](Attr& a, bool) {
                        a.key = address(&word);
                        a.value = address(&word);
                    }));
    }
}

TEST_F(BothTest, FreezingStopsUpdates) {
    make_map(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1));
    std::uint32_t key = 0;
    std::uint64_t value = 1;
    const auto update = [&](Attr& a, bool) {
        a.key = address(&key);
        a.value = address(&value);
    };
    expect_same("freeze with junk", on_map(BPF_MAP_FREEZE, [](Attr& a, bool) { a.key = 1; }));
    expect_same("before", on_map(BPF_MAP_UPDATE_ELEM, update));
    expect_same("freeze", on_map(BPF_MAP_FREEZE, [](Attr&, bool) {}));
    expect_same("twice", on_map(BPF_MAP_FREEZE, [](Attr&, bool) {}));
    expect_same("after", on_map(BPF_MAP_UPDATE_ELEM, update));
    expect_same("lookup", on_map(BPF_MAP_LOOKUP_ELEM, update));
}

TEST_F(BothTest, DescriptorsWithOneDirectionAreKept) {
    std::uint32_t key = 0;
    std::uint64_t value = 1;
    const auto element = [&](Attr& a, bool) {
        a.key = address(&key);
        a.value = address(&value);
    };
    for (const std::uint32_t flags : {BPF_F_RDONLY, BPF_F_WRONLY}) {
        make_map(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1, flags));
        for (const int cmd : {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,
                              BPF_MAP_GET_NEXT_KEY}) {
            expect_same("one direction", on_map(cmd, element));
        }
        ::close(our_fd);
        ::close(linux_fd);
    }
}

TEST_F(BothTest, TheSizeOfTheAttributesIsJudgedAlike) {
    const Attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
    // Larger than any kernel's attributes, zero behind them.
    std::array<std::uint8_t, 8192> big{};
    std::memcpy(big.data(), &attr, sizeof(attr));
    auto* at = reinterpret_cast<Attr*>(big.data());
    for (const unsigned size : {0U, 4U, 16U, 20U, 24U, 48U, 72U, 4096U, 4097U, 8192U}) {
        const long ours = guest.kernel.bpf(BPF_MAP_CREATE, at, size);
        const long theirs = linux_bpf(BPF_MAP_CREATE, at, size);
        expect_same(("size " + std::to_string(size)).c_str(), {ours, theirs});
        ::close(ours >= 0 ? static_cast<int>(ours) : -1);
        ::close(theirs >= 0 ? static_cast<int>(theirs) : -1);
    }
    big[4000] = 1;
    expect_same("a late byte",
                {guest.kernel.bpf(BPF_MAP_CREATE, at, 4096), linux_bpf(BPF_MAP_CREATE, at, 4096)});
    expect_same("no attributes", {guest.kernel.bpf(BPF_MAP_CREATE, nullptr, 72),
                                  linux_bpf(BPF_MAP_CREATE, nullptr, 72)});
    expect_same("no such command", call(9999, attr));
    expect_same("a negative command", call(-1, attr));
}

TEST_F(BothTest, WrongDescriptorsAreJudgedAlike) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    for (const int cmd :
         {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
          BPF_MAP_FREEZE, BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_DETACH, BPF_PROG_BIND_MAP}) {
        for (const int fd : {-1, 9999, ends[0]}) {
            Attr attr;
            std::memset(&attr, 0, sizeof(attr));
            attr.map_fd = static_cast<std::uint32_t>(fd);  // The first word of all of them.
            expect_same(("command " + std::to_string(cmd)).c_str(), call(cmd, attr));
        }
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(BothTest, MapInfoSaysTheSame) {
    Attr attr = map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_MMAPABLE);
    std::strcpy(attr.map_name, "sizes");
    make_map(attr);
    std::array<bpf_map_info, 2> infos{};
    for (const unsigned length : {static_cast<unsigned>(sizeof(bpf_map_info)), 24U, 0U, 9999U}) {
        infos = {};
        const Answers answers = on_map(BPF_OBJ_GET_INFO_BY_FD, [&](Attr& a, bool ours) {
            a.info.bpf_fd = static_cast<std::uint32_t>(ours ? our_fd : linux_fd);
            a.info.info_len = length;
            a.info.info = address(&infos[ours ? 0 : 1]);
        });
        expect_same(("length " + std::to_string(length)).c_str(), answers);
        infos[0].id = infos[1].id = 0;
        // The kernel clears padding too, so every byte counts.
        const auto bytes = std::as_bytes(std::span(infos));
        EXPECT_TRUE(
            std::ranges::equal(bytes.first(sizeof(bpf_map_info)), bytes.last(sizeof(bpf_map_info))))
            << length;
    }
}

TEST_F(BothTest, MappingsAreJudgedAlike) {
    // An array's pages, and a ring's: place, direction and kind.
    for (const Attr& attr :
         {map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1024, BPF_F_MMAPABLE),
          map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1024), map_attr(BPF_MAP_TYPE_RINGBUF, 0, 0, 8192)}) {
        make_map(attr);
        for (const std::uint64_t bytes :
             {1UL, 4096UL, 8192UL, 12288UL, 20480UL, 24576UL, 28672UL}) {
            for (const std::uint64_t offset : {0UL, 4096UL, 8192UL, 20480UL}) {
                for (const int protection : {PROT_READ, PROT_READ | PROT_WRITE}) {
                    for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
                        errno = 0;
                        void* ours = guest.kernel.mmap(nullptr, bytes, protection, flags, our_fd,
                                                       offset);
                        const int our_error = ours == MAP_FAILED ? errno : 0;
                        void* theirs = ::mmap(nullptr, bytes, protection, flags, linux_fd,
                                              static_cast<off_t>(offset));
                        const int linux_error = theirs == MAP_FAILED ? errno : 0;
                        EXPECT_EQ(our_error, linux_error)
                            << "type " << attr.map_type << " flags " << attr.map_flags << " bytes "
                            << bytes << " offset " << offset << " protection " << protection
                            << " kind " << flags;
                        if (our_error == 0) {
                            guest.kernel.munmap(ours, bytes);
                        }
                        if (linux_error == 0) {
                            ::munmap(theirs, bytes);
                        }
                    }
                }
            }
        }
        ::close(our_fd);
        ::close(linux_fd);
    }
}

}  // namespace
}  // namespace trapgate::kernel
