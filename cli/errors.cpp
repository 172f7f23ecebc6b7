// SPDX-License-Identifier: GPL-2.0-only
#include "cli/errors.hpp"

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/nearest.hpp"
#include "cli/stream.hpp"
#include "cli/terminal.hpp"

namespace trapgate::cli {
namespace {

// The subcommand that the user meant the arguments for, as deep as the command line was understood.
const CLI::App& innermost(const CLI::App& app) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) {
        at = at->get_subcommands().front();
    }
    return *at;
}

std::string command_path(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name()
                                       : command_path(*app.get_parent()) + " " + app.get_name();
}

// "run" or "lab check"; empty for the command itself, whose name begins every message anyway.
std::string place_of(const CLI::App& app) {
    const std::string path = command_path(app);
    const std::size_t space = path.find(' ');
    return space == std::string::npos ? "" : path.substr(space + 1);
}

// The option that CLI11's sentence is about.
std::string option_in(const std::string& message) {
    const std::size_t dash = message.find('-');
    if (dash == std::string::npos) {
        return message.substr(0, message.find(':'));
    }
    return message.substr(dash, message.find_first_of(":, ", dash) - dash);
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
    }
    return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(sub->get_name());
    }
    return names;
}

std::string nearest_or_help(const std::string& name, const std::vector<std::string>& candidates,
                            const CLI::App& at) {
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    const std::string near = did_you_mean(nearest_names(name, views));
    return near.empty() ? fmt::format("{} --help lists what there is", command_path(at)) : near;
}

Error unknown_argument(const CLI::App& app) {
    const CLI::App& at = innermost(app);
    const std::vector<std::string> rest = app.remaining(true);
    const std::string first = rest.empty() ? "" : rest.front();
    if (first.starts_with("-")) {
        const std::string name = first.substr(0, first.find('='));
        return {"no such option: " + name, place_of(at),
                nearest_or_help(name, option_names(at), at)};
    }
    if (const std::vector<std::string> commands = command_names(at); !commands.empty()) {
        return {"no such command: " + first, place_of(at), nearest_or_help(first, commands, at)};
    }
    return {"one argument too many: " + first, place_of(at),
            fmt::format("{} --help shows what it takes", command_path(at))};
}

}  // namespace

std::string error_text(const Error& error) {
    const Terminal terminal = terminal_of(STDERR_FILENO);
    std::string text = terminal.paint(Style::Red, "trapgate:") + " ";
    text += error.where.empty() ? error.what : error.where + ": " + error.what;
    if (!error.hint.empty()) {
        text += "\n" + terminal.paint(Style::Cyan, "hint:") + " " + error.hint;
    }
    return text + "\n";
}

std::string error_json(const Error& error) {
    const nlohmann::ordered_json object{{"event", "error"},
                                        {"what", error.what},
                                        {"where", error.where},
                                        {"hint", error.hint},
                                        {"status", kUsageStatus}};
    return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

int report_error(const Error& error, bool json) {
    if (json) {
        standard_output().write(error_json(error));
    } else {
        standard_error().write(error_text(error));
    }
    return kUsageStatus;
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& at = innermost(app);
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        return unknown_argument(app);
    }
    const std::string message = error.what();
    const std::string help = fmt::format("{} --help shows what it takes", command_path(at));
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const bool missing = message.find("missing") != std::string::npos;
        return {missing ? "its value is missing" : "given more than once", option_in(message),
                help};
    }
    return {message, place_of(at), help};
}

}  // namespace trapgate::cli
