// SPDX-License-Identifier: GPL-2.0-only
#include "base/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace trapgate {
namespace {

struct Suffix {
    std::string_view text;
    std::uint64_t factor;
};

constexpr std::array kByteSuffixes{Suffix{"", 1},
                                   Suffix{"K", 1ULL << 10},
                                   Suffix{"k", 1ULL << 10},
                                   Suffix{"M", 1ULL << 20},
                                   Suffix{"G", 1ULL << 30},
                                   Suffix{"KiB", 1ULL << 10},
                                   Suffix{"MiB", 1ULL << 20},
                                   Suffix{"GiB", 1ULL << 30}};
constexpr std::array kCountSuffixes{Suffix{"", 1}, Suffix{"k", 1'000}, Suffix{"K", 1'000},
                                    Suffix{"M", 1'000'000}, Suffix{"G", 1'000'000'000}};

// Digits (underscores between them are for the reader), then one of the suffixes.
template <std::size_t kSuffixes>
std::optional<std::uint64_t> parse_scaled(const std::string& text,
                                          const std::array<Suffix, kSuffixes>& suffixes) {
    std::string digits = text.substr(0, text.find_first_not_of("0123456789_"));
    const std::string_view rest = std::string_view(text).substr(digits.size());
    std::erase(digits, '_');
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    for (const Suffix& suffix : suffixes) {
        std::uint64_t scaled = 0;
        if (rest == suffix.text && !__builtin_mul_overflow(number, suffix.factor, &scaled)) {
            return scaled;
        }
    }
    return std::nullopt;
}

}  // namespace

Result<std::uint64_t> parse_size(const std::string& text, const std::string& option) {
    const auto bytes = parse_scaled(text, kByteSuffixes);
    if (!bytes || *bytes == 0) {
        return fail(fmt::format("not a size: \"{}\"", text), option,
                    "a number with K, M or G: 256M");
    }
    return *bytes;
}

Result<std::uint64_t> parse_count(const std::string& text, const std::string& option) {
    const auto count = parse_scaled(text, kCountSuffixes);
    if (!count || *count == 0) {
        return fail(fmt::format("not a count: \"{}\"", text), option,
                    "a whole number above 0: 1000000, or 1M");
    }
    return *count;
}

Result<double> parse_seconds(const std::string& text, const std::string& option) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(seconds) ||
        seconds <= 0) {
        return fail(fmt::format("not a time: \"{}\"", text), option, "seconds above 0: 10, or 0.5");
    }
    return seconds;
}

}  // namespace trapgate
