// SPDX-License-Identifier: GPL-2.0-only
// Numbers as the kernel reads them from a user's text: 0x for hexadecimal, a leading 0 for octal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trapgate::kernel {

/// kstrtoull: all of `text` is one number that fits 64 bits, with an optional '+' in front. Base 0
/// looks at the prefix; 10 does not.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text, unsigned base = 0);

/// kstrtoll: the same with '-' allowed, within the range of 64 bits with a sign.
[[nodiscard]] std::optional<std::int64_t> parse_signed(std::string_view text);

struct LeadingNumber {
    std::uint64_t value = 0;  ///< Modulo 2^64.
    std::size_t length = 0;   ///< Characters of it; 0 when the text begins with no digit.
};
/// simple_strtoul: the number that `text` begins with.
[[nodiscard]] LeadingNumber leading_number(std::string_view text, unsigned base = 0);

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// A name as C identifiers are.
[[nodiscard]] bool is_good_name(std::string_view text);

}  // namespace trapgate::kernel
