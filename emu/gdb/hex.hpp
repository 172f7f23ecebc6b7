// SPDX-License-Identifier: GPL-2.0-only
// Numbers and bytes as the remote protocol writes them: hexadecimal, bytes in memory order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trapgate::emu::gdb {

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string to_hex(std::string_view text);
/// Nothing for an odd length or a character that is no hexadecimal digit.
[[nodiscard]] std::optional<std::vector<std::byte>> from_hex(std::string_view text);

/// Reads a packet's arguments from left to right. A mistake makes good() false for ever; what is
/// read after that is zero or empty.
class Arguments {
public:
    explicit Arguments(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool good() const { return good_; }
    /// Whether everything has been read without a mistake.
    [[nodiscard]] bool at_end() const { return good_ && rest_.empty(); }
    [[nodiscard]] std::string_view rest() const { return rest_; }

    /// A hexadecimal number of 1 to 16 digits.
    std::uint64_t number();
    /// The character must be there.
    void expect(char wanted);
    /// Skips the character if it is there.
    [[nodiscard]] bool accept(char wanted);
    /// Everything up to the character or the end; the character is skipped.
    std::string_view until(char end);

private:
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace trapgate::emu::gdb
