// SPDX-License-Identifier: GPL-2.0-only
#include "labs/answers.hpp"

#include <charconv>

#include <fmt/format.h>

namespace trapgate::labs {
namespace {

std::string trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) {
        return "";
    }
    return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

}  // namespace

Result<Answers> parse_answers(std::string_view text) {
    Answers answers;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        line = line.substr(0, line.find('#'));
        if (trimmed(line).empty()) {
            continue;
        }
        const std::size_t equals = line.find('=');
        const std::string key = trimmed(line.substr(0, equals));
        if (equals == std::string_view::npos || key.empty()) {
            return fail(fmt::format("\"{}\" is no answer", trimmed(line)),
                        fmt::format("answers.txt:{}", number), "write: name = value");
        }
        answers[key] = trimmed(line.substr(equals + 1));
    }
    return answers;
}

Result<Value> parse_answer(const std::string& text, const Value& like) {
    if (std::holds_alternative<std::string>(like)) {
        const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
        return Value(quoted ? text.substr(1, text.size() - 2) : text);
    }
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    const std::string_view digits = std::string_view(text).substr(hex ? 2 : 0);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number,
                                              hex ? 16 : 10);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        const bool would_be_hex = !text.empty() &&
                                  text.find_first_not_of("0123456789abcdefABCDEF") ==
                                      std::string::npos;
        return fail(
            fmt::format("\"{}\" is not a number", text), {},
            would_be_hex ? "hexadecimal numbers begin with 0x" : "write it as 1234 or 0x4d2");
    }
    return Value(number);
}

}  // namespace trapgate::labs
