// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/mappings.hpp"

#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bpf/maps/ringbuf.hpp"
#include "tests/kernel/api/fake_guest.hpp"

namespace trapgate::kernel {
namespace {

class MappingsTest : public ::testing::Test {
protected:
    int make(const union bpf_attr& attr) {
        union bpf_attr copy = attr;
        return static_cast<int>(guest.kernel.bpf(BPF_MAP_CREATE, &copy, sizeof(copy)));
    }
    std::uint64_t* map(int fd, std::size_t bytes, int protection, std::uint64_t offset = 0) {
        void* at = guest.kernel.mmap(nullptr, bytes, protection, MAP_SHARED, fd, offset);
        return at == MAP_FAILED ? nullptr : static_cast<std::uint64_t*>(at);
    }
    FakeGuest guest;
};

TEST_F(MappingsTest, AnArraysPagesAreItsElements) {
    const int fd = make(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1024, BPF_F_MMAPABLE));
    std::uint64_t* words = map(fd, 8192, PROT_READ | PROT_WRITE);
    ASSERT_NE(words, nullptr);
    words[600] = 77;
    union bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    std::uint32_t key = 600;
    std::uint64_t value = 0;
    attr.map_fd = static_cast<std::uint32_t>(fd);
    attr.key = reinterpret_cast<std::uint64_t>(&key);
    attr.value = reinterpret_cast<std::uint64_t>(&value);
    ASSERT_EQ(guest.kernel.bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
    EXPECT_EQ(value, 77U);
    guest.kernel.munmap(words, 8192);
    ::close(fd);
}

TEST_F(MappingsTest, ARingsDataIsThereTwice) {
    const int fd = make(map_attr(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096));
    const auto object = guest.kernel.maps().front();
    auto* ring = dynamic_cast<bpf::RingbufMap*>(object->map.get());
    ASSERT_NE(ring, nullptr);
    bool wake = false;
    const std::array<std::byte, 8> record{std::byte{0xab}};
    ASSERT_EQ(ring->output(record, 0, &wake), 0);

    const std::uint64_t* pages = map(fd, 3 * 4096, PROT_READ, 4096);  // producer, data, data
    ASSERT_NE(pages, nullptr);
    EXPECT_EQ(pages[0], 16U) << "producer position";
    EXPECT_EQ(pages[512] & 0xffffffff, 8U) << "header";
    EXPECT_EQ(pages[513], 0xabU);
    EXPECT_EQ(pages[1024], pages[512]);
    EXPECT_EQ(pages[1025], 0xabU);
    guest.kernel.munmap(const_cast<std::uint64_t*>(pages), 3 * 4096);
    ::close(fd);
}

TEST_F(MappingsTest, AMappingKeepsItsMapAlive) {
    const int fd = make(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1024, BPF_F_MMAPABLE));
    std::uint64_t* words = map(fd, 8192, PROT_READ | PROT_WRITE);
    ASSERT_NE(words, nullptr);
    ::close(fd);
    guest.kernel.reap();
    EXPECT_EQ(guest.kernel.maps().size(), 1U);
    guest.kernel.munmap(words, 4096);
    EXPECT_EQ(guest.kernel.maps().size(), 1U) << "half of it is still mapped";
    guest.kernel.munmap(words + 512, 4096);
    EXPECT_EQ(guest.kernel.maps().size(), 0U);
}

TEST_F(MappingsTest, AWritableMappingForbidsFreezing) {
    const int fd = make(map_attr(BPF_MAP_TYPE_ARRAY, 4, 8, 1024, BPF_F_MMAPABLE));
    std::uint64_t* words = map(fd, 8192, PROT_READ | PROT_WRITE);
    union bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.map_fd = static_cast<std::uint32_t>(fd);
    EXPECT_EQ(guest.kernel.bpf(BPF_MAP_FREEZE, &attr, sizeof(attr)), -EBUSY);
    guest.kernel.munmap(words, 8192);
    EXPECT_EQ(guest.kernel.bpf(BPF_MAP_FREEZE, &attr, sizeof(attr)), 0);
    EXPECT_EQ(map(fd, 8192, PROT_READ | PROT_WRITE), nullptr);
    EXPECT_EQ(errno, EPERM);
    ::close(fd);
}

}  // namespace
}  // namespace trapgate::kernel
