// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/insn.hpp"

#include <cstring>
#include <optional>

#include <fmt/format.h>

namespace trapgate::bpf {

namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A' + 10);
    }
    return std::nullopt;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Result<std::vector<Insn>> insns_from_bytes(std::span<const std::byte> bytes) {
    if (bytes.size() % sizeof(Insn) != 0) {
        return fail(
            fmt::format("{} bytes are not a whole number of 8-byte instructions", bytes.size()));
    }
    std::vector<Insn> insns(bytes.size() / sizeof(Insn));
    if (!insns.empty()) {
        std::memcpy(insns.data(), bytes.data(), bytes.size());
    }
    return insns;
}

Result<std::vector<Insn>> insns_from_hex(std::string_view hex) {
    std::vector<std::byte> bytes;
    bytes.reserve(hex.size() / 2);
    bool have_high = false;
    unsigned high = 0;
    for (std::size_t i = 0; i < hex.size(); ++i) {
        if (is_space(hex[i])) {
            continue;
        }
        const std::optional<unsigned> digit = hex_digit(hex[i]);
        if (!digit) {
            return fail("not a hexadecimal digit", fmt::format("byte offset {}", i));
        }
        if (have_high) {
            bytes.push_back(static_cast<std::byte>(high << 4 | *digit));
        } else {
            high = *digit;
        }
        have_high = !have_high;
    }
    if (have_high) {
        return fail("odd number of hexadecimal digits", fmt::format("byte offset {}", hex.size()));
    }
    return insns_from_bytes(bytes);
}

}  // namespace trapgate::bpf
