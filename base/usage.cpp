// SPDX-License-Identifier: GPL-2.0-only
#include "base/usage.hpp"

#include <string_view>

#include "base/nearest.hpp"

namespace trapgate {
namespace {

std::string nearest_or_help(const std::string& name, const std::vector<std::string>& candidates,
                            const std::string& command) {
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    const std::string near = did_you_mean(nearest_names(name, views));
    return near.empty() ? command + " --help lists what there is" : near;
}

}  // namespace

std::string place_of_command(const std::string& command) {
    const std::size_t space = command.find(' ');
    return space == std::string::npos ? "" : command.substr(space + 1);
}

std::string help_hint(const std::string& command) {
    return command + " --help shows what it takes";
}

Error unknown_argument(const std::string& argument, const CommandWords& known) {
    const std::string place = place_of_command(known.command);
    if (argument.starts_with("-")) {
        const std::string name = argument.substr(0, argument.find('='));
        return {"no such option: " + name, place,
                nearest_or_help(name, known.options, known.command)};
    }
    if (!known.commands.empty()) {
        return {"no such command: " + argument, place,
                nearest_or_help(argument, known.commands, known.command)};
    }
    return {"one argument too many: " + argument, place, help_hint(known.command)};
}

}  // namespace trapgate
