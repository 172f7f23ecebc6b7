// SPDX-License-Identifier: GPL-2.0-only
#include "cli/narrator.hpp"

#include <fmt/format.h>

namespace trapgate::cli {
namespace {

constexpr std::size_t kIndent = 3;
constexpr std::size_t kNameWidth = 8;
constexpr std::size_t kFactIndent = 2 * kIndent + kNameWidth + 1;

}  // namespace

void Narrator::gap(Last now) {
    const bool lines_go_on = now == Last::Lines && last_ == Last::Lines;
    if (!lines_go_on && last_ != Last::Step) {
        out_.write("\n");
    }
    last_ = now;
}

void Narrator::title(std::string_view text) {
    out_.write(terminal_.paint(Style::Bold, wrap(text, terminal_.columns)) + "\n");
}

void Narrator::step(std::string_view text) {
    gap(Last::Step);
    out_.write(terminal_.paint(Style::Cyan, fmt::format("{}  {}", ++steps_, text)) + "\n");
}

void Narrator::say(std::string_view text) {
    gap(Last::Paragraph);
    out_.write(std::string(kIndent, ' ') + wrap(text, terminal_.columns, kIndent) + "\n");
}

void Narrator::quote(std::string_view who, std::string_view line) {
    gap(Last::Lines);
    const std::string bar = fmt::format("{:{}}{} | ", "", 2 * kIndent, who);
    const std::size_t room = terminal_.columns - bar.size();
    const std::string shown = line.size() > room && terminal_.is_terminal
                                  ? std::string(line.substr(0, room - 3)) + "..."
                                  : std::string(line);
    out_.write(terminal_.paint(Style::Dim, bar + shown) + "\n");
}

void Narrator::fact(std::string_view name, std::string_view value) {
    gap(Last::Lines);
    out_.write(
        fmt::format("{:{}}{} {}\n", "", 2 * kIndent,
                    terminal_.paint(Style::Dim, fmt::format("{:<{}}", name, kNameWidth)),
                    terminal_.paint(Style::Bold, wrap(value, terminal_.columns, kFactIndent))));
}

void Narrator::next(const std::vector<Example>& commands) {
    gap(Last::Step);
    out_.write(terminal_.paint(Style::Cyan, "Try next:") + "\n");
    for (const Example& one : commands) {
        out_.write(fmt::format("{:{}}{}\n{:{}}{}\n", "", kIndent,
                               terminal_.paint(Style::Bold, one.command), "", 2 * kIndent,
                               one.says));
    }
}

}  // namespace trapgate::cli
