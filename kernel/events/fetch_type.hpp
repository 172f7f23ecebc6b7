// SPDX-License-Identifier: GPL-2.0-only
// The types a fetch argument may have, with what Linux writes of them in format files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace trapgate::kernel {

/// How a value is printed.
enum class FetchPrint : std::uint8_t { Unsigned, Signed, Hex, Character, Symbol, String };

/// Which bytes a string is made of.
enum class FetchString : std::uint8_t {
    None,    ///< Not a string.
    Memory,  ///< What an address points at, in the kernel or below it.
    User,    ///< ... below the kernel only.
    Symbol,  ///< The name of an address.
};

struct FetchType {
    std::string_view name;  ///< As typed: "x32".
    std::uint8_t bytes;     ///< In the record; a string has its place there (data_loc).
    bool is_signed;         ///< For filters and format files; true for strings, as Linux has it.
    FetchString string;
    FetchPrint print;
    std::string_view format;  ///< In "print fmt": "0x%x".
    std::string_view field;   ///< In the format file: "u32".
    [[nodiscard]] bool is_string() const { return string != FetchString::None; }
};

/// All of them.
[[nodiscard]] std::span<const FetchType> fetch_types();

/// By name, "b4@8/32" included, which is the u32 that the bits lie in. Null for an unknown one.
[[nodiscard]] const FetchType* find_fetch_type(std::string_view name);

/// What an argument without a type is: x64.
[[nodiscard]] const FetchType& default_fetch_type();

}  // namespace trapgate::kernel
