// SPDX-License-Identifier: GPL-2.0-only
#include "gui/panels/text.hpp"

#include <fmt/format.h>

namespace trapgate::gui {
namespace {

constexpr char kEscape = '\x1b';

// The length of the escape sequence that `text` begins with (ECMA-48: CSI, OSC, or two characters).
std::size_t escape_length(std::string_view text) {
    if (text.size() < 2) {
        return text.size();
    }
    std::size_t at = 2;
    if (text[1] == '[') {
        while (at < text.size() && (text[at] < '@' || text[at] > '~')) {
            ++at;
        }
        return std::min(at + 1, text.size());
    }
    if (text[1] == ']') {
        while (at < text.size() && text[at] != '\a' && text[at] != kEscape) {
            ++at;
        }
        if (text.substr(at, 2) == "\x1b\\") {
            ++at;
        }
        return std::min(at + 1, text.size());
    }
    return at;
}

}  // namespace

std::string grouped(std::uint64_t value) {
    std::string text = fmt::format("{}", value);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string hex16(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::string hex_bytes(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
    return text;
}

std::string bit_names(std::uint64_t value, std::span<const BitName> table) {
    std::string text;
    for (const BitName& entry : table) {
        if ((value & entry.bit) != 0) {
            text += fmt::format("{}{}", text.empty() ? "" : " ", entry.name);
        }
    }
    return text.empty() ? "-" : text;
}

std::vector<std::string> terminal_lines(std::string_view output) {
    constexpr std::size_t kTabStop = 8;
    std::vector<std::string> lines;
    std::string line;
    for (std::size_t at = 0; at < output.size();) {
        const char c = output[at];
        if (c == kEscape) {
            at += escape_length(output.substr(at));
            continue;
        }
        ++at;
        if (c == '\n') {
            lines.push_back(std::move(line));
            line.clear();
        } else if (c == '\b') {
            if (!line.empty()) {
                line.pop_back();
            }
        } else if (c == '\t') {
            line.append(kTabStop - line.size() % kTabStop, ' ');
        } else if (c != '\r') {
            line += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '.' : c;
        }
    }
    if (!line.empty()) {
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace trapgate::gui
