// SPDX-License-Identifier: GPL-2.0-only
#include "cli/app.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/help.hpp"
#include "cli/stream.hpp"

namespace trapgate::cli {
namespace {

// The engine that this process really runs: asked of the loaded library, because only emu/engine
// may include its headers. Major, minor and patch are the upper three bytes.
std::string engine_version() {
    const auto version = reinterpret_cast<unsigned (*)(unsigned*, unsigned*)>(
        ::dlsym(RTLD_DEFAULT, "uc_version"));
    if (version == nullptr) {
        return "unknown";
    }
    const std::uint32_t packed = version(nullptr, nullptr);
    return fmt::format("{}.{}.{}", packed >> 24U, packed >> 16U & 0xffU, packed >> 8U & 0xffU);
}

std::string version_text(std::string_view version) {
    return fmt::format("trapgate {}\nUnicorn {}\nlibbpf {}\n", version, engine_version(),
                       TRAPGATE_LIBBPF_VERSION);
}

// Known before CLI11 has understood the command line, and also when it does not.
bool wants_json(std::span<char*> arguments) {
    return std::ranges::any_of(arguments, [](std::string_view argument) {
        return argument == "-j" || argument == "--json";
    });
}

// Where "--" is, for `trapgate run`: what follows belongs to the guest, options included. The end
// when there is none.
std::size_t own_arguments(std::span<char*> all) {
    const auto is_dashes = [](std::string_view argument) { return argument == "--"; };
    return all.size() > 1 && std::string_view(all[1]) == "run"
               ? static_cast<std::size_t>(std::ranges::find_if(all, is_dashes) - all.begin())
               : all.size();
}

void add_commands(CLI::App& app, std::string_view version, Work& work,
                  std::vector<std::string> program) {
    app.name("trapgate");
    app.description(help_opening(
        {{"trapgate demo", "see it work, step by step"},
         {"trapgate run", "boot the small kernel that comes along, to a shell"},
         {"trapgate run -- ./prog", "... to run a static program of yours"},
         {"trapgate run -p do_sys_openat2", "... with a probe on one of its functions"},
         {"trapgate run -b open_counter.bpf.o", "... with an eBPF program in it"},
         {"trapgate lab list", "exercises that check themselves"}},
        "Boots a kernel in an emulated x86-64 machine and lets you put kprobes and eBPF\n"
        "programs into it from the host."));
    app.footer("trapgate COMMAND --help says more about each.");
    app.formatter(help_formatter());
    app.set_help_flag("-h,--help", "show this help");
    app.set_version_flag("--version", version_text(version),
                         "show the versions of Trapgate, its engine and libbpf");
    app.require_subcommand(0, 1);
    add_run_command(app, work, std::move(program));
    add_demo_command(app, work);
    add_lab_command(app, work);
}

// No command is a mistake, but one that deserves the whole help.
int show_help_instead(const CLI::App& app) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) {
        at = at->get_subcommands().front();
    }
    standard_error().write(at->help());
    return kUsageStatus;
}

int parse_and_run(int argc, char** argv, std::string_view version) {
    CLI::App app;
    Work work;
    const std::span all(argv, static_cast<std::size_t>(argc));
    const std::size_t own = own_arguments(all);
    std::vector<std::string> program;
    if (own < all.size()) {
        program.assign(all.begin() + static_cast<std::ptrdiff_t>(own) + 1, all.end());
    }
    const auto fails = [&](const Error& error) {
        return report_error(error, wants_json(all.first(own).subspan(own == 0 ? 0 : 1)));
    };
    if (own < all.size() && program.empty()) {
        return fails({"it is followed by nothing", "run: --",
                      "a static program and its arguments: trapgate run -- ./prog -x"});
    }
    add_commands(app, version, work, std::move(program));
    try {
        app.parse(static_cast<int>(own), argv);
    } catch (const CLI::CallForVersion& answer) {
        standard_output().write(answer.what());
        return 0;
    } catch (const CLI::CallForHelp&) {
        standard_output().write(app.help());
        return 0;
    } catch (const CLI::ParseError& error) {
        return fails(usage_error(app, error));
    }
    return work ? work() : show_help_instead(app);
}

}  // namespace

int run_app(int argc, char** argv, std::string_view version) {
    std::signal(SIGPIPE, SIG_IGN);
    const int status = parse_and_run(argc, argv, version);
    standard_output().flush();
    standard_error().flush();
    if (standard_output().broken()) {
        // Everything is tidied up; end as any filter whose reader has gone.
        std::signal(SIGPIPE, SIG_DFL);
        std::raise(SIGPIPE);
    }
    return status;
}

}  // namespace trapgate::cli
