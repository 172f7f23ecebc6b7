// SPDX-License-Identifier: GPL-2.0-only
#include "cli/errors.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/usage.hpp"
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

Error unknown_argument_of(const CLI::App& app) {
    const CLI::App& at = innermost(app);
    const std::vector<std::string> rest = app.remaining(true);
    return unknown_argument(rest.empty() ? "" : rest.front(),
                            {command_path(at), option_names(at), command_names(at)});
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
        return unknown_argument_of(app);
    }
    const std::string message = error.what();
    const std::string help = help_hint(command_path(at));
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const bool missing = message.find("missing") != std::string::npos;
        return {missing ? "its value is missing" : "given more than once", option_in(message),
                help};
    }
    return {message, place_of_command(command_path(at)), help};
}

}  // namespace trapgate::cli
