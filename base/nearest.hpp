// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace trapgate {

/// The candidates that most look like `name` (Damerau-Levenshtein distance, at most a third of its
/// length), best first, at most `limit`. For "did you mean".
[[nodiscard]] std::vector<std::string> nearest_names(
    std::string_view name, const std::vector<std::string_view>& candidates, std::size_t limit = 3);

/// "did you mean a, b or c?", or "" for none.
[[nodiscard]] std::string did_you_mean(const std::vector<std::string>& names);

}  // namespace trapgate
