// SPDX-License-Identifier: GPL-2.0-only
// Numbers and bytes as the panels write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trapgate::gui {

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t value);

/// Sixteen digits, without 0x: registers and addresses.
[[nodiscard]] std::string hex16(std::uint64_t value);

/// "01 02 ff", in memory order.
[[nodiscard]] std::string hex_bytes(std::span<const std::byte> bytes);

/// A bit (or field) of a register and what the manual calls it.
struct BitName {
    std::uint64_t bit;
    std::string_view name;
};

/// The names of the bits that are set, in the table's order: "ZF PF"; "-" for none.
[[nodiscard]] std::string bit_names(std::uint64_t value, std::span<const BitName> table);

/// Terminal output as lines to read: escape sequences and carriage returns are gone, a backspace
/// takes a character away, other control characters are '.', tabs reach the next multiple of eight.
/// No empty line follows a final newline.
[[nodiscard]] std::vector<std::string> terminal_lines(std::string_view output);

}  // namespace trapgate::gui
