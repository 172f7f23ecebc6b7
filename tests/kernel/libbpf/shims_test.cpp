// SPDX-License-Identifier: GPL-2.0-only
// libbpf's own interface, used directly by a program (this one links a redirected copy of its own):
// each call must reach the guest's kernel and never the host's.
#include <cerrno>
#include <memory>

#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include "kernel/libbpf/scope.hpp"
#include "tests/kernel/api/fake_guest.hpp"
#include "tests/kernel/api/sample_btf.hpp"

namespace trapgate::kernel {
namespace {

TEST(LibbpfShims, WithoutAScopeThereIsNoKernel) {
    EXPECT_EQ(bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 4, 1, nullptr), -ENOSYS);
    EXPECT_EQ(btf__load_vmlinux_btf(), nullptr);
}

TEST(LibbpfShims, ScopesNest) {
    FakeGuest outer;
    FakeGuest inner;
    EXPECT_EQ(LibbpfScope::current(), nullptr);
    {
        const LibbpfScope first(outer.kernel);
        {
            const LibbpfScope second(inner.kernel);
            const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 4, 1, nullptr);
            ASSERT_GE(fd, 0);
            EXPECT_EQ(inner.kernel.maps().size(), 1U);
            ::close(fd);
        }
        EXPECT_EQ(LibbpfScope::current(), &outer.kernel);
        EXPECT_EQ(outer.kernel.maps().size(), 0U);
    }
    EXPECT_EQ(LibbpfScope::current(), nullptr);
}

TEST(LibbpfShims, ElementsGoThroughLibbpf) {
    FakeGuest guest;
    const LibbpfScope scope(guest.kernel);
    const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 8, 2, nullptr);
    const std::uint32_t key = 1;
    std::uint64_t value = 42;
    EXPECT_EQ(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
    value = 0;
    EXPECT_EQ(bpf_map_lookup_elem(fd, &key, &value), 0);
    EXPECT_EQ(value, 42U);
    EXPECT_EQ(bpf_map_delete_elem(fd, &key), -EINVAL);
    EXPECT_EQ(errno, EINVAL);
    ::close(fd);
}

TEST(LibbpfShims, TheKernelsTypesAreTheGuests) {
    FakeGuest guest(moved_open_how_btf());
    const LibbpfScope scope(guest.kernel);
    btf* types = btf__load_vmlinux_btf();
    ASSERT_NE(types, nullptr);
    EXPECT_EQ(btf__type_cnt(types), 3U)
        << "void, a number and struct open_how; the host's has a hundred thousand";
    btf__free(types);

    std::uint32_t id = 0;
    ASSERT_EQ(bpf_btf_get_next_id(0, &id), 0);
    EXPECT_EQ(id, 1U);
    const int fd = bpf_btf_get_fd_by_id(id);
    ASSERT_GE(fd, 0);
    bpf_btf_info info{};
    char name[16] = {};
    info.name = reinterpret_cast<std::uint64_t>(name);
    info.name_len = sizeof(name);
    std::uint32_t length = sizeof(info);
    ASSERT_EQ(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
    EXPECT_STREQ(name, "vmlinux");
    EXPECT_EQ(info.kernel_btf, 1U);
    ::close(fd);
}

TEST(LibbpfShims, WithoutTypesInTheGuestTheHostsAreNotUsed) {
    FakeGuest guest;
    const LibbpfScope scope(guest.kernel);
    EXPECT_EQ(btf__load_vmlinux_btf(), nullptr);
}

TEST(LibbpfShims, PossibleCpusAreTheGuests) {
    FakeGuest guest;
    const LibbpfScope scope(guest.kernel);
    EXPECT_EQ(libbpf_num_possible_cpus(), 1);
}

TEST(LibbpfShims, FeatureProbesFindAModernKernel) {
    FakeGuest guest;
    const LibbpfScope scope(guest.kernel);
    EXPECT_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARRAY, nullptr), 1);
    EXPECT_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr), 1);
    EXPECT_EQ(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_KPROBE, nullptr), 1);
}

TEST(LibbpfShims, NothingIsPinnedOnTheHost) {
    FakeGuest guest;
    const LibbpfScope scope(guest.kernel);
    const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 8, 2, nullptr);
    EXPECT_LT(bpf_obj_pin(fd, "/sys/fs/bpf/trapgate_test"), 0);
    EXPECT_NE(::access("/sys/fs/bpf/trapgate_test", F_OK), 0);
    ::close(fd);
}

}  // namespace
}  // namespace trapgate::kernel
