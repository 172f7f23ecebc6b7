// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/btf_check.hpp"

#include <array>
#include <cstring>
#include <vector>

#include <linux/btf.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/kernel/api/fake_guest.hpp"
#include "tests/kernel/api/sample_btf.hpp"

namespace trapgate::kernel {
namespace {

int our_errno(const std::vector<std::byte>& bytes) {
    const Result<void> checked = check_btf(bytes);
    return checked ? 0 : checked.error().linux_errno;
}

int linux_errno(const std::vector<std::byte>& bytes) {
    union bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.btf = reinterpret_cast<std::uint64_t>(bytes.data());
    attr.btf_size = static_cast<std::uint32_t>(bytes.size());
    const long answer = linux_bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
    if (answer >= 0) {
        ::close(static_cast<int>(answer));
    }
    return answer < 0 ? static_cast<int>(-answer) : 0;
}

TEST(BtfCheck, AcceptsWhatLibbpfWrites) {
    const auto checked = check_btf(sample_btf());
    EXPECT_TRUE(checked.has_value()) << checked.error().what;
    if (linux_answers_bpf()) {
        EXPECT_EQ(linux_errno(sample_btf()), 0);
    }
}

TEST(BtfCheck, EveryPrefixIsRefused) {
    const std::vector<std::byte> whole = sample_btf();
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        EXPECT_NE(our_errno({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)}), 0)
            << bytes;
    }
}

TEST(BtfCheck, EveryFlippedBitIsJudgedAsLinuxJudgesIt) {
    if (!linux_answers_bpf()) {
        GTEST_SKIP() << "the Linux that runs this does not answer bpf(2)";
    }
    const std::vector<std::byte> whole = sample_btf();
    std::string accepted_wrongly;
    std::string refused_wrongly;
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        std::vector<std::byte> flipped = whole;
        flipped[bit / 8] ^= std::byte{1} << (bit % 8);
        const int ours = our_errno(flipped);
        const int theirs = linux_errno(flipped);
        if (ours == 0 && theirs != 0) {
            accepted_wrongly += fmt::format(" {}.{}", bit / 8, bit % 8);
        } else if (ours != 0 && theirs == 0) {
            refused_wrongly += fmt::format(" {}.{}", bit / 8, bit % 8);
        }
    }
    EXPECT_EQ(accepted_wrongly, "") << "byte.bit accepted here, refused by Linux";
    EXPECT_EQ(refused_wrongly, "") << "byte.bit refused here, accepted by Linux";
}

TEST(BtfCheck, LoopsAreFound) {
    // [1] typedef a -> [2]; [2] typedef b -> [1]
    std::vector<std::byte> bytes(sizeof(btf_header) + 2 * sizeof(btf_type) + 5);
    btf_header header{};
    header.magic = BTF_MAGIC;
    header.version = BTF_VERSION;
    header.hdr_len = sizeof(header);
    header.type_len = 2 * sizeof(btf_type);
    header.str_off = header.type_len;
    header.str_len = 5;
    std::array<btf_type, 2> types{};
    types[0].name_off = 1;
    types[0].info = BTF_KIND_TYPEDEF << 24;
    types[0].type = 2;
    types[1].name_off = 3;
    types[1].info = BTF_KIND_TYPEDEF << 24;
    types[1].type = 1;
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + sizeof(header), types.data(), sizeof(types));
    std::memcpy(bytes.data() + sizeof(header) + sizeof(types), "\0a\0b", 5);
    EXPECT_EQ(our_errno(bytes), EEXIST);
    if (linux_answers_bpf()) {
        EXPECT_EQ(linux_errno(bytes), EEXIST);
    }
}

TEST(BtfTypes, SizesGoThroughNames) {
    const std::vector<std::byte> bytes = sample_btf();
    const BtfTypes types(bytes);
    const auto id_of = [&](std::string_view name) {
        for (std::uint32_t id = 1; id <= types.count(); ++id) {
            if (types.string(types.type(id)->name_off) == name) {
                return id;
            }
        }
        return 0U;
    };
    EXPECT_EQ(types.size_of(id_of("u32_t")), 4U);
    EXPECT_EQ(types.size_of(id_of("thing")), 48U);
    EXPECT_EQ(types.size_of(id_of("counter")), 4U);
    EXPECT_EQ(types.size_of(4), 28U) << "the array";
    EXPECT_EQ(types.size_of(3), 8U) << "the pointer";
    EXPECT_FALSE(types.size_of(id_of("call_me")).has_value());
    EXPECT_FALSE(types.size_of(0).has_value());
    EXPECT_FALSE(types.size_of(9999).has_value());
}

}  // namespace
}  // namespace trapgate::kernel
