// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/helpers.hpp"

#include <linux/bpf.h>

#include <gtest/gtest.h>

namespace trapgate::bpf {
namespace {

TEST(Helpers, HaveLinuxsNamesAndNumbers) {
    EXPECT_EQ(helper_name(1), "bpf_map_lookup_elem");
    EXPECT_EQ(helper_name(BPF_FUNC_ringbuf_submit), "bpf_ringbuf_submit");
    EXPECT_EQ(helper_name(0), "bpf_unspec");
    EXPECT_EQ(helper_name(99999), "unknown");
    EXPECT_EQ(helper_count(), static_cast<std::uint32_t>(__BPF_FUNC_MAX_ID));
}

TEST(Helpers, TracingOnesAreForTracingPrograms) {
    EXPECT_NE(helper_for(BPF_FUNC_probe_read_kernel, BPF_PROG_TYPE_KPROBE), nullptr);
    EXPECT_EQ(helper_for(BPF_FUNC_probe_read_kernel, BPF_PROG_TYPE_SOCKET_FILTER), nullptr);
    EXPECT_NE(helper_for(BPF_FUNC_map_lookup_elem, BPF_PROG_TYPE_SOCKET_FILTER), nullptr);
}

TEST(Helpers, WithoutARowAreRefused) {
    EXPECT_EQ(helper_for(BPF_FUNC_tail_call, BPF_PROG_TYPE_KPROBE), nullptr);
    EXPECT_EQ(find_helper(0), nullptr);
}

TEST(Helpers, SizesFollowTheirMemory) {
    for (std::uint32_t id = 0; id < helper_count(); ++id) {
        const HelperProto* proto = find_helper(id);
        for (std::size_t i = 0; proto != nullptr && i < proto->args.size(); ++i) {
            const ArgType type = proto->args[i];
            if (type != ArgType::ConstSize && type != ArgType::ConstSizeOrZero) {
                continue;
            }
            ASSERT_GT(i, 0U) << proto->name;
            const ArgType memory = proto->args[i - 1];
            EXPECT_TRUE(memory == ArgType::Mem || memory == ArgType::UninitMem ||
                        memory == ArgType::MemOrNull)
                << proto->name;
        }
    }
}

}  // namespace
}  // namespace trapgate::bpf
