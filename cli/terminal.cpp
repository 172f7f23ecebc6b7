// SPDX-License-Identifier: GPL-2.0-only
#include "cli/terminal.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace trapgate::cli {
namespace {

// ECMA-48 "select graphic rendition".
int code_of(Style style) {
    switch (style) {
        case Style::Bold: return 1;
        case Style::Dim: return 2;
        case Style::Red: return 31;
        case Style::Green: return 32;
        case Style::Yellow: return 33;
        case Style::Cyan: return 36;
    }
    return 0;
}

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

}  // namespace

std::string Terminal::paint(Style style, std::string_view text) const {
    return colour ? fmt::format("\033[{}m{}\033[0m", code_of(style), text) : std::string(text);
}

Terminal terminal_of(int fd) {
    Terminal terminal;
    terminal.is_terminal = ::isatty(fd) == 1;
    const char* kind = std::getenv("TERM");
    const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
    terminal.colour = terminal.is_terminal && !dumb && !is_set("NO_COLOR");
    winsize size{};
    if (terminal.is_terminal && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        terminal.columns = std::clamp<std::size_t>(size.ws_col, 40, 100);
    }
    return terminal;
}

bool same_terminal(int fd, int other_fd) {
    struct stat one{};
    struct stat other{};
    return ::isatty(fd) == 1 && ::isatty(other_fd) == 1 && ::fstat(fd, &one) == 0 &&
           ::fstat(other_fd, &other) == 0 && one.st_rdev == other.st_rdev;
}

std::string wrap(std::string_view text, std::size_t columns, std::size_t indent) {
    std::string wrapped;
    std::size_t column = indent;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        if (column > indent && column + 1 + word.size() > columns) {
            wrapped += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            wrapped += ' ';
            ++column;
        }
        wrapped += word;
        column += word.size();
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    }
    return wrapped;
}

std::string grouped(unsigned long long number) {
    const std::string digits = std::to_string(number);
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i != 0 && (digits.size() - i) % 3 == 0) {
            text += ',';
        }
        text += digits[i];
    }
    return text;
}

}  // namespace trapgate::cli
