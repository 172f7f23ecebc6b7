// SPDX-License-Identifier: GPL-2.0-only
#include "cli/value_text.hpp"

#include <cctype>

namespace trapgate::cli {
namespace {

// Length of a cast such as "(__u64)", "(struct s)" or "(char *)" that `text` begins with, or 0.
std::size_t cast_length(std::string_view text) {
    const std::size_t end = text.starts_with('(') ? text.find(')') : std::string_view::npos;
    if (end == std::string_view::npos || end < 2 || std::isdigit(text[1]) != 0) {
        return 0;
    }
    for (const char c : text.substr(1, end - 1)) {
        const bool in_type = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
                             c == ' ' || c == '*' || c == '[' || c == ']';
        if (!in_type) {
            return 0;
        }
    }
    return end + 1;
}

// A list of printable characters, "['a','b',]", as a string: takes it off `text`, or answers "".
std::string take_characters(std::string_view& text) {
    std::string characters;
    std::string_view rest = text.substr(1);
    while (rest.size() >= 4 && rest[0] == '\'' && rest[2] == '\'' && rest[3] == ',') {
        characters += rest[1];
        rest.remove_prefix(4);
    }
    if (characters.empty() || !rest.starts_with(']')) {
        return "";
    }
    text = rest.substr(1);
    return '"' + characters + '"';
}

}  // namespace

std::string plain_value(std::string_view text) {
    std::string plain;
    char quote = 0;
    while (!text.empty()) {
        const char c = text.front();
        if (quote != 0) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (const std::size_t cast = cast_length(text); cast != 0) {
            text.remove_prefix(cast);
            continue;
        } else if (const std::string list = c == '[' ? take_characters(text) : ""; !list.empty()) {
            plain += list;
            continue;
        } else if (c == ',') {
            text.remove_prefix(1);
            const bool last = text.starts_with('}') || text.starts_with(']') || text.empty();
            plain += last ? "" : (text.starts_with(' ') ? "," : ", ");
            continue;
        }
        plain += c;
        text.remove_prefix(1);
    }
    return plain;
}

}  // namespace trapgate::cli
