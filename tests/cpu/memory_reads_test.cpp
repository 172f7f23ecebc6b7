// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/memory_reads.hpp"

#include <gtest/gtest.h>

namespace trapgate::cpu {
namespace {

constexpr GuestVa kAt{0x40'0000};

std::vector<MemoryRange> reads_of(const std::vector<std::uint8_t>& bytes) {
    AddressInputs inputs;
    for (std::size_t i = 0; i < inputs.gpr.size(); ++i) {
        inputs.gpr[i] = 0x1000 * (i + 1);  // rax 0x1000, rcx 0x2000, ..., rsp 0x5000, rsi 0x7000
    }
    inputs.gs_base = 0x10'0000;
    return memory_reads(std::as_bytes(std::span(bytes)), kAt, inputs);
}

using Ranges = std::vector<MemoryRange>;

TEST(MemoryReads, AddsBaseIndexAndDisplacement) {
    EXPECT_EQ(reads_of({0x48, 0x8b, 0x44, 0x8e, 0x10}),  // mov rax, [rsi+rcx*4+0x10]
              (Ranges{{GuestVa{0x7000 + 4 * 0x2000 + 0x10}, 8}}));
    EXPECT_EQ(reads_of({0x8b, 0x05, 0x00, 0x01, 0, 0}), (Ranges{{kAt + 6 + 0x100, 4}}));  // [rip]
    EXPECT_EQ(reads_of({0x8a, 0x46, 0xff}), (Ranges{{GuestVa{0x6fff}, 1}}));
    EXPECT_EQ(reads_of({0x65, 0x48, 0x8b, 0x06}), (Ranges{{GuestVa{0x10'7000}, 8}}));  // gs:
}

TEST(MemoryReads, KnowsImplicitOperands) {
    EXPECT_EQ(reads_of({0x58}), (Ranges{{GuestVa{0x5000}, 8}}));  // pop rax
    EXPECT_EQ(reads_of({0xc3}), (Ranges{{GuestVa{0x5000}, 8}}));  // ret
    EXPECT_EQ(reads_of({0xa6}),                                   // cmpsb
              (Ranges{{GuestVa{0x7000}, 1}, {GuestVa{0x8000}, 1}}));
}

TEST(MemoryReads, LeavesOutWritesAndAddresses) {
    EXPECT_EQ(reads_of({0x48, 0x89, 0x06}), Ranges{});                  // mov [rsi], rax
    EXPECT_EQ(reads_of({0x48, 0x8d, 0x06}), Ranges{});                  // lea rax, [rsi]
    EXPECT_EQ(reads_of({0x50}), Ranges{});                              // push rax
    EXPECT_EQ(reads_of({0xff, 0x06}), (Ranges{{GuestVa{0x7000}, 4}}));  // inc dword [rsi]
    EXPECT_EQ(reads_of({0x06}), Ranges{});                              // not an instruction
}

}  // namespace
}  // namespace trapgate::cpu
