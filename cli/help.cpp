// SPDX-License-Identifier: GPL-2.0-only
#include "cli/help.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.hpp"

namespace trapgate::cli {
namespace {

constexpr std::size_t kNameColumn = 24;

class HelpFormatter final : public CLI::Formatter {
public:
    HelpFormatter() { column_width(kNameColumn); }

    // Between two groups CLI11 leaves two empty lines.
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override {
        std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
        for (std::size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;) {
            text.erase(at, 1);
        }
        while (text.ends_with("\n\n")) {
            text.pop_back();
        }
        return text;
    }
    // A subcommand's description opens with its examples; the list shows what it is for: the
    // footer's place in CLI11, so that both texts stand where the subcommand is defined.
    std::string make_subcommand(const CLI::App* sub) const override {
        return fmt::format("  {:<{}}{}\n", sub->get_name(), kNameColumn - 2, sub->get_footer());
    }
    std::string make_footer(const CLI::App* app) const override {
        return app->get_parent() == nullptr ? CLI::Formatter::make_footer(app) : "";
    }
    std::string make_usage(const CLI::App* app, std::string name) const override {
        std::string usage = fmt::format("Usage: {}{}", name.empty() ? "trapgate " : "",
                                        name.empty() ? app->get_name() : name);
        const auto is_named = [](const CLI::App* sub) { return !sub->get_name().empty(); };
        if (!app->get_subcommands(is_named).empty()) {
            return usage + " COMMAND [ARGUMENT...]\n";
        }
        usage += " [OPTION...]";
        for (const CLI::Option* option : app->get_options()) {
            if (option->get_positional()) {
                usage += option->get_required() ? " " + option->get_name()
                                                : " [" + option->get_name() + "]";
            }
        }
        return usage + (app->get_name() == "run" ? " [-- PROG [ARG...]]\n" : "\n");
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_type_size() == 0 || option->get_positional()
                   ? ""
                   : " " + option->get_type_name();
    }
    std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
        const std::string name = CLI::Formatter::make_option_name(option, is_positional);
        const std::size_t comma = name.find(',');
        return comma == std::string::npos ? name
                                          : name.substr(0, comma) + ", " + name.substr(comma + 1);
    }
};

}  // namespace

std::shared_ptr<CLI::Formatter> help_formatter() {
    auto formatter = std::make_shared<HelpFormatter>();
    formatter->label("Positionals", "Arguments");
    return formatter;
}

std::string help_opening(const std::vector<Example>& examples, const std::string& paragraph) {
    std::size_t width = 0;
    for (const Example& example : examples) {
        width = std::max(width, example.command.size());
    }
    std::string text = "Examples:\n";
    for (const Example& example : examples) {
        text += example.says.empty()
                    ? fmt::format("  {}\n", example.command)
                    : fmt::format("  {:<{}}   {}\n", example.command, width, example.says);
    }
    return text + "\n" + paragraph + "\n";
}

}  // namespace trapgate::cli
