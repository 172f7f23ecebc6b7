// SPDX-License-Identifier: GPL-2.0-only
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/stream.hpp"
#include "cli/terminal.hpp"
#include "cli/typed.hpp"
#include "kernel/session/shipped.hpp"
#include "labs/check.hpp"
#include "labs/lab.hpp"

namespace trapgate::cli {
namespace {

using labs::Lab;

/// The words of all four commands, as typed.
struct LabWords {
    std::string lab, folder, results;
    bool json = false;
};

std::string list_text(const std::vector<Lab>& found) {
    std::string text;
    for (const Lab& lab : found) {
        text += fmt::format("{:<16} {:>2g} points  {:>3} min  {}\n", lab.id, lab.points(),
                            lab.minutes, lab.title);
    }
    return text;
}

std::string list_json(const std::vector<Lab>& found) {
    nlohmann::ordered_json array = nlohmann::ordered_json::array();
    for (const Lab& lab : found) {
        array.push_back({{"lab", lab.id},
                         {"title", lab.title},
                         {"summary", lab.summary},
                         {"minutes", lab.minutes},
                         {"points", lab.points()}});
    }
    return array.dump(2) + "\n";
}

Result<int> list(const LabWords& words) {
    return labs::list_labs(kernel::labs_folder()).map([&](const std::vector<Lab>& found) {
        standard_output().write(words.json ? list_json(found) : list_text(found));
        return 0;
    });
}

Result<int> show(const LabWords& words) {
    return labs::find_lab(kernel::labs_folder(), words.lab)
        .and_then(labs::read_guide)
        .map([](const std::string& guide) {
            standard_output().write(guide);
            return 0;
        });
}

Result<int> start(const LabWords& words) {
    const std::string folder = words.folder.empty() ? words.lab : words.folder;
    return labs::find_lab(kernel::labs_folder(), words.lab).and_then([&](const Lab& lab) {
        return labs::start_lab(lab, folder, kernel::include_folder()).map([&] {
            standard_output().write(
                fmt::format("{} is in {}: {} ({:g} points, about {} minutes)\n"
                            "  read   {}/guide.md\n"
                            "  check  {} lab check {}\n",
                            lab.id, folder, lab.title, lab.points(), lab.minutes, folder,
                            own_command(), folder));
            return 0;
        });
    });
}

// The words that a glance looks for, in colour.
std::string painted(const std::string& text, const Terminal& terminal) {
    if (!terminal.colour) {
        return text;
    }
    std::string out;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        std::string line = text.substr(begin, end - begin);
        for (const auto& [word, style] :
             {std::pair{": OK (", Style::Green}, std::pair{": FAIL (", Style::Red}}) {
            if (const std::size_t at = line.find(word); at != std::string::npos && line[0] != ' ') {
                const std::string_view bare = std::string_view(word).substr(
                    2, std::string_view(word).size() - 4);
                line.replace(at + 2, bare.size(), terminal.paint(style, bare));
            }
        }
        out += line;
        begin = end;
    }
    return out;
}

Result<int> check(const LabWords& words) {
    const std::string folder = words.folder.empty() ? "." : words.folder;
    const Result<std::string> id = words.lab.empty() ? labs::started_lab(folder)
                                                     : Result<std::string>(words.lab);
    return id
        .and_then(
            [](const std::string& name) { return labs::find_lab(kernel::labs_folder(), name); })
        .and_then([&](const Lab& lab) {
            return labs::check_lab(lab, folder,
                                   {kernel::default_image(), kernel::include_folder()});
        })
        .and_then([&](const labs::LabResult& result) -> Result<int> {
            standard_output().write(
                painted(labs::result_text(result), terminal_of(standard_output().fd())));
            if (!words.results.empty()) {
                const Result<void> written = write_file(words.results, labs::result_json(result));
                if (!written) {
                    return tl::unexpected(written.error());
                }
            }
            return result.passed() ? 0 : 1;
        });
}

int finish(const Result<int>& status, bool json) {
    return status ? *status : report_error(status.error(), json);
}

}  // namespace

void add_lab_command(CLI::App& app, Work& chosen) {
    CLI::App* lab = app.add_subcommand(
        "lab", help_opening({{"trapgate lab list", "what there is"},
                             {"trapgate lab show first-boot", "read the guide"},
                             {"trapgate lab start first-boot", "copy it to a folder of yours"},
                             {"trapgate lab check first-boot", "grade that folder"}},
                            "Exercises that check themselves: every answer is compared with real "
                            "runs."));
    lab->footer("exercises that check themselves");
    lab->group("Commands");
    lab->require_subcommand(0, 1);
    auto words = std::make_shared<LabWords>();
    const auto add = [&](const std::string& name, Result<int> (*work)(const LabWords&),
                         const std::vector<Example>& examples, const std::string& paragraph,
                         const std::string& says) {
        CLI::App* sub = lab->add_subcommand(name, help_opening(examples, paragraph));
        sub->footer(says);
        sub->group("Commands");
        sub->callback([words, work, &chosen] {
            chosen = [words, work] { return finish(work(*words), words->json); };
        });
        return sub;
    };
    CLI::App* listing = add("list", list, {{"trapgate lab list", ""}},
                            "Lists the labs with their points and how long they take.",
                            "list the labs");
    listing->add_flag("-j,--json", words->json, "a JSON array");
    CLI::App* showing = add("show", show, {{"trapgate lab show first-boot", ""}},
                            "Prints a lab's guide.", "print a lab's guide");
    showing->add_option("LAB", words->lab, "the lab")->required();
    CLI::App* starting = add("start", start, {{"trapgate lab start first-boot mywork", ""}},
                             "Copies a lab's guide and starter files into a new folder.",
                             "begin a lab");
    starting->add_option("LAB", words->lab, "the lab")->required();
    starting->add_option("FOLDER", words->folder, "a new folder (the lab's name)");
    CLI::App* checking = add(
        "check", check,
        {{"trapgate lab check first-boot", "grade the folder first-boot"},
         {"trapgate lab check --results results.json .", "... for Gradescope"}},
        "Grades a folder that `trapgate lab start` made. Exit status 0 for full marks,\nelse 1.",
        "grade a folder");
    checking->add_option("FOLDER", words->folder, "where the work is (this folder)");
    checking->add_option("--lab", words->lab, "the lab (as noted in the folder)")->type_name("LAB");
    checking->add_option("--results", words->results, "write results.json as Gradescope reads it")
        ->type_name("FILE");
}

}  // namespace trapgate::cli
