// SPDX-License-Identifier: GPL-2.0-only
#include "tests/cli/case_file.hpp"

#include <cctype>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace trapgate::cli {
namespace {

std::string with_escapes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "\\e") {
            out += '\033';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

// "out has TEXT" and the like, with the stream's name taken off.
std::optional<Expectation> parse_expectation(std::string_view line) {
    Expectation expectation;
    if (line.starts_with("err ")) {
        expectation.stream = Expectation::Stream::Err;
    } else if (!line.starts_with("out ")) {
        return std::nullopt;
    }
    line.remove_prefix(4);
    if (line == "is empty") {
        expectation.kind = Expectation::Kind::Empty;
        return expectation;
    }
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space + 1 == line.size()) {
        return std::nullopt;
    }
    const std::string_view word = line.substr(0, space);
    expectation.text = with_escapes(line.substr(space + 1));
    if (word == "has") {
        expectation.kind = Expectation::Kind::Has;
    } else if (word == "lacks") {
        expectation.kind = Expectation::Kind::Lacks;
    } else if (word == "starts") {
        expectation.kind = Expectation::Kind::Starts;
    } else {
        return std::nullopt;
    }
    return expectation;
}

// False for a line that means nothing.
bool add_line(std::vector<CommandCase>& cases, std::string_view line) {
    if (line.starts_with("== ")) {
        cases.emplace_back().title = line.substr(3);
        return true;
    }
    if (cases.empty()) {
        return false;
    }
    CommandCase& current = cases.back();
    if (line.starts_with("$ ")) {
        current.command += current.command.empty() ? "" : "\n";
        current.command += line.substr(2);
        return true;
    }
    constexpr std::string_view kStatus = "status ";
    if (line.starts_with(kStatus)) {
        const char* end = line.data() + line.size();
        return std::from_chars(line.data() + kStatus.size(), end, current.status).ptr == end;
    }
    const std::optional<Expectation> expectation = parse_expectation(line);
    if (expectation) {
        current.expectations.push_back(*expectation);
    }
    return expectation.has_value();
}

}  // namespace

std::string CommandCase::test_name() const {
    std::string name;
    bool capital = true;
    for (const char c : title) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
            capital = true;
            continue;
        }
        name += capital ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        capital = false;
    }
    return name;
}

std::ostream& operator<<(std::ostream& out, const CommandCase& one) { return out << one.command; }

Result<std::vector<CommandCase>> parse_cases(std::string_view text) {
    std::vector<CommandCase> cases;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.starts_with("#")) {
            continue;
        }
        if (!add_line(cases, line)) {
            return fail(fmt::format("not a line of a case: {}", line),
                        fmt::format("line {}", number));
        }
    }
    return cases;
}

}  // namespace trapgate::cli
