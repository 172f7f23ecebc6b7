// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/fetch_type.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "kernel/events/numbers.hpp"

namespace trapgate::kernel {
namespace {

using enum FetchPrint;

constexpr std::string_view kQuoted = "\\\"%s\\\"";
constexpr std::string_view kDataLoc = "__data_loc char[]";

constexpr std::array kTypes{
    FetchType{"string", 4, true, FetchString::Memory, String, kQuoted, kDataLoc},
    FetchType{"ustring", 4, true, FetchString::User, String, kQuoted, kDataLoc},
    FetchType{"symstr", 4, true, FetchString::Symbol, String, kQuoted, kDataLoc},
    FetchType{"u8", 1, false, FetchString::None, Unsigned, "%u", "u8"},
    FetchType{"u16", 2, false, FetchString::None, Unsigned, "%u", "u16"},
    FetchType{"u32", 4, false, FetchString::None, Unsigned, "%u", "u32"},
    FetchType{"u64", 8, false, FetchString::None, Unsigned, "%Lu", "u64"},
    FetchType{"s8", 1, true, FetchString::None, Signed, "%d", "s8"},
    FetchType{"s16", 2, true, FetchString::None, Signed, "%d", "s16"},
    FetchType{"s32", 4, true, FetchString::None, Signed, "%d", "s32"},
    FetchType{"s64", 8, true, FetchString::None, Signed, "%Ld", "s64"},
    FetchType{"x8", 1, false, FetchString::None, Hex, "0x%x", "u8"},
    FetchType{"x16", 2, false, FetchString::None, Hex, "0x%x", "u16"},
    FetchType{"x32", 4, false, FetchString::None, Hex, "0x%x", "u32"},
    FetchType{"x64", 8, false, FetchString::None, Hex, "0x%Lx", "u64"},
    FetchType{"char", 1, false, FetchString::None, Character, "'%c'", "u8"},
    FetchType{"symbol", 8, false, FetchString::None, Symbol, "%pS", "u64"},
};

}  // namespace

std::span<const FetchType> fetch_types() { return kTypes; }

const FetchType* find_fetch_type(std::string_view name) {
    std::string base(name);
    if (name.starts_with('b')) {
        const std::size_t slash = name.find('/');
        const std::optional<std::uint64_t> bits = slash == std::string_view::npos
                                                      ? std::nullopt
                                                      : parse_unsigned(name.substr(slash + 1));
        if (!bits || (*bits != 8 && *bits != 16 && *bits != 32 && *bits != 64)) {
            return nullptr;
        }
        base = fmt::format("u{}", *bits);
    }
    const auto* const found = std::ranges::find(kTypes, base, &FetchType::name);
    return found == kTypes.end() ? nullptr : found;
}

const FetchType& default_fetch_type() {
    static const FetchType& kType = *find_fetch_type("x64");
    return kType;
}

}  // namespace trapgate::kernel
