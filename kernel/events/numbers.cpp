// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/numbers.hpp"

#include <algorithm>
#include <limits>

namespace trapgate::kernel {
namespace {

constexpr unsigned kNoDigit = 255;

unsigned digit_value(char c) {
    if (is_digit(c)) {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a') + 10;
    }
    return c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10 : kNoDigit;
}

// The base that the prefix says, and the prefix taken off.
unsigned strip_prefix(std::string_view& text, unsigned base) {
    if (base != 0) {
        return base;
    }
    if (!text.starts_with('0')) {
        return 10;
    }
    if (text.size() > 2 && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16) {
        text.remove_prefix(2);
        return 16;
    }
    return 8;
}

}  // namespace

std::optional<std::uint64_t> parse_unsigned(std::string_view text, unsigned base) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    base = strip_prefix(text, base);
    if (text.empty()) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        const unsigned digit = digit_value(c);
        if (digit >= base || value > (std::numeric_limits<std::uint64_t>::max() - digit) / base) {
            return std::nullopt;
        }
        value = value * base + digit;
    }
    return value;
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) {
        text.remove_prefix(1);
        if (text.starts_with('+')) {
            return std::nullopt;
        }
    }
    const std::optional<std::uint64_t> size = parse_unsigned(text);
    const std::uint64_t limit = (1ULL << 63) - (negative ? 0 : 1);
    if (!size || *size > limit) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(negative ? 0 - *size : *size);
}

LeadingNumber leading_number(std::string_view text, unsigned base) {
    std::string_view digits = text;
    base = strip_prefix(digits, base);
    LeadingNumber number;
    std::size_t used = 0;
    while (used < digits.size() && digit_value(digits[used]) < base) {
        number.value = number.value * base + digit_value(digits[used]);
        ++used;
    }
    number.length = used == 0 ? 0 : text.size() - digits.size() + used;
    return number;
}

bool is_good_name(std::string_view text) {
    return !text.empty() && (is_letter(text.front()) || text.front() == '_') &&
           std::ranges::all_of(text,
                               [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

}  // namespace trapgate::kernel
