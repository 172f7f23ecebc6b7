// SPDX-License-Identifier: GPL-2.0-only
// SHA-1 as in RFC 3174; used as a name, not for security.
#include "kernel/api/program_tag.hpp"

#include <bit>
#include <cstddef>
#include <cstring>
#include <vector>

namespace trapgate::kernel {
namespace {

constexpr std::size_t kBlockBytes = 64;

std::uint32_t big_endian(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
           static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

using State = std::array<std::uint32_t, 5>;

void mix_block(State& state, const std::uint8_t* block) {
    std::array<std::uint32_t, 80> w{};
    for (std::size_t i = 0; i < 80; ++i) {
        w[i] = i < 16 ? big_endian(block + 4 * i)
                      : std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < 80; ++i) {
        std::uint32_t f = 0;
        if (i < 20) {
            f = ((b & c) | (~b & d)) + 0x5a827999;
        } else if (i < 40) {
            f = (b ^ c ^ d) + 0x6ed9eba1;
        } else if (i < 60) {
            f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
        } else {
            f = (b ^ c ^ d) + 0xca62c1d6;
        }
        const std::uint32_t next = std::rotl(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

}  // namespace

std::array<std::uint8_t, 8> program_tag(std::span<const bpf::Insn> insns) {
    std::vector<bpf::Insn> plain(insns.begin(), insns.end());
    for (std::size_t i = 0; i + 1 < plain.size(); ++i) {
        const bool names_map = plain[i].src == BPF_PSEUDO_MAP_FD ||
                               plain[i].src == BPF_PSEUDO_MAP_VALUE;
        if (plain[i].is_ld_imm64() && names_map) {
            plain[i].imm = 0;
            plain[++i].imm = 0;
        }
    }
    std::vector<std::uint8_t> message(plain.size() * sizeof(bpf::Insn));
    if (!message.empty()) {
        std::memcpy(message.data(), plain.data(), message.size());
    }
    const std::uint64_t bits = message.size() * 8;
    message.push_back(0x80);
    message.resize((message.size() + 8 + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
    for (std::size_t i = 0; i < 8; ++i) {
        message[message.size() - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
    }
    State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (std::size_t at = 0; at < message.size(); at += kBlockBytes) {
        mix_block(state, message.data() + at);
    }
    std::array<std::uint8_t, 8> tag{};
    for (std::size_t i = 0; i < tag.size(); ++i) {
        tag[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
    }
    return tag;
}

}  // namespace trapgate::kernel
