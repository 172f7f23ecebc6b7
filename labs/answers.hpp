// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "labs/lab.hpp"

namespace trapgate::labs {

/// answers.txt: lines "key = value"; '#' begins a comment. Values are trimmed.
using Answers = std::map<std::string, std::string>;

/// Errors name the line.
[[nodiscard]] Result<Answers> parse_answers(std::string_view text);

/// An answer as the kind of value that `like` is: a number in decimal or 0x..., or text with or
/// without double quotes.
[[nodiscard]] Result<Value> parse_answer(const std::string& text, const Value& like);

}  // namespace trapgate::labs
