// SPDX-License-Identifier: GPL-2.0-only
// Words of the command line that stand for numbers.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace trapgate {

/// "256M": bytes, with K, M or G (powers of 1024), "KiB" and the like too. `option` is the error's
/// place.
[[nodiscard]] Result<std::uint64_t> parse_size(const std::string& text, const std::string& option);

/// "1000000", "1_000_000" or "20M": a count above 0; k, M and G are powers of 1000 here.
[[nodiscard]] Result<std::uint64_t> parse_count(const std::string& text, const std::string& option);

/// "2.5": seconds above 0.
[[nodiscard]] Result<double> parse_seconds(const std::string& text, const std::string& option);

}  // namespace trapgate
