// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/hex.hpp"

#include <algorithm>

namespace trapgate::emu::gdb {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<unsigned> digit(char c) {
    if (c >= 'A' && c <= 'F') {
        c = static_cast<char>(c - 'A' + 'a');
    }
    const std::size_t value = kDigits.find(c);
    return value == std::string_view::npos ? std::nullopt
                                           : std::optional(static_cast<unsigned>(value));
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::byte byte : bytes) {
        const auto value = std::to_integer<unsigned>(byte);
        text += kDigits[value >> 4];
        text += kDigits[value & 15];
    }
    return text;
}

std::string to_hex(std::string_view text) { return to_hex(std::as_bytes(std::span(text))); }

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 2);
    for (; !text.empty(); text.remove_prefix(2)) {
        const std::optional<unsigned> high = digit(text[0]);
        const std::optional<unsigned> low = digit(text[1]);
        if (!high || !low) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::byte>((*high << 4) | *low));
    }
    return bytes;
}

std::uint64_t Arguments::number() {
    constexpr std::size_t kMostDigits = 16;
    std::uint64_t value = 0;
    std::size_t digits = 0;
    while (good_ && digits < rest_.size()) {
        const std::optional<unsigned> next = digit(rest_[digits]);
        if (!next) {
            break;
        }
        value = (value << 4) | *next;
        ++digits;
    }
    good_ = good_ && digits > 0 && digits <= kMostDigits;
    rest_.remove_prefix(good_ ? digits : rest_.size());
    return good_ ? value : 0;
}

void Arguments::expect(char wanted) { good_ = accept(wanted) && good_; }

bool Arguments::accept(char wanted) {
    const bool there = good_ && rest_.starts_with(wanted);
    if (there) {
        rest_.remove_prefix(1);
    }
    return there;
}

std::string_view Arguments::until(char end) {
    const std::size_t at = std::min(rest_.find(end), rest_.size());
    const std::string_view piece = rest_.substr(0, at);
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return good_ ? piece : std::string_view{};
}

}  // namespace trapgate::emu::gdb
