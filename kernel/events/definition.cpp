// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/definition.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace trapgate::kernel {

std::string ProbeDefinition::place() const {
    if (address) {
        return fmt::format("{:#018x}", address->value);
    }
    return offset == 0 ? symbol : fmt::format("{}+{}", symbol, offset);
}

std::string ProbeDefinition::text() const {
    std::string line = on_return ? "r" : "p";
    if (on_return && max_active != 0) {
        line += std::to_string(max_active);
    }
    line += fmt::format(":{} {}", name(), place());
    for (const FetchArg& arg : args) {
        line += fmt::format(" {}={}", arg.name, arg.text);
    }
    return line;
}

std::size_t ProbeDefinition::args_bytes() const {
    return args.empty() ? 0 : args.back().offset + args.back().bytes();
}

CommandWords::CommandWords(std::string_view line) {
    std::istringstream stream{std::string(line.substr(0, line.find('#')))};
    for (std::string word; stream >> word;) {
        if (!words.empty()) {
            command += ' ';
        }
        starts.push_back(command.size());
        command += word;
        words.push_back(std::move(word));
    }
}

std::string with_kind(std::string_view line) {
    const CommandWords words(line);
    const bool bare = words.words.size() == 1 && words.command != "p" && words.command != "r" &&
                      words.command.find_first_of(":#") == std::string::npos &&
                      !words.command.starts_with('-');
    return bare ? "p " + words.command : std::string(line);
}

bool RemoveCommand::matches(const ProbeDefinition& definition) const {
    if ((!event.empty() && event != definition.event) || (group && *group != definition.group)) {
        return false;
    }
    if (rest.empty()) {
        return true;
    }
    if (rest.front() != definition.place() || rest.size() - 1 > definition.args.size()) {
        return false;
    }
    return std::equal(rest.begin() + 1, rest.end(), definition.args.begin(),
                      [](const std::string& word, const FetchArg& arg) {
                          return word == arg.name + "=" + arg.text;
                      });
}

ProbeResult<RemoveCommand> parse_remove(std::string_view line) {
    const CommandWords words(line);
    RemoveCommand remove;
    if (words.words.empty() || !words.words[0].starts_with("-:")) {
        return tl::unexpected(
            ProbeError{ProbeErrorCode::NoCommand, 0, words.command, "-:[GROUP/]EVENT"});
    }
    remove.event = words.words[0].substr(2);
    if (const std::size_t slash = remove.event.find('/'); slash != std::string::npos) {
        remove.group = remove.event.substr(0, slash);
        remove.event.erase(0, slash + 1);
    }
    if (!remove.group && remove.event.empty()) {
        return tl::unexpected(
            ProbeError{ProbeErrorCode::NoEventName, 2, words.command, "-:[GROUP/]EVENT"});
    }
    remove.rest.assign(words.words.begin() + 1, words.words.end());
    return remove;
}

}  // namespace trapgate::kernel
