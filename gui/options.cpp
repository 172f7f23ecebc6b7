// SPDX-License-Identifier: GPL-2.0-only
#include "gui/options.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/nearest.hpp"
#include "base/usage.hpp"
#include "base/values.hpp"
#include "gui/keys.hpp"
#include "gui/layout/presets.hpp"
#include "gui/panels/panel.hpp"
#include "kernel/session/shipped.hpp"

namespace trapgate::gui {
namespace {

constexpr std::string_view kExamples = R"(Examples:
  trapgate-gui                            the small kernel that comes along
  trapgate-gui -b prog.bpf.o              watch an eBPF program, its maps and rings
  trapgate-gui -p vfs_open -p 'p:mine do_sys_openat2+0x4'
  trapgate-gui --layout BPF --run-first   look at what was left when the guest ended
  trapgate-gui --layout 'h(60,v(70,Registers,Console),t(Maps,Rings))'
  trapgate-gui -b prog.bpf.o --screenshot window.png   no display needed
  trapgate-gui -b prog.bpf.o --print-view Maps         a panel as text

Opens a window on a kernel that runs, paused where probes can be armed (start_kernel, Linux: rest_init). ? shows the keys.
)";

constexpr double kPictureSeconds = 20;  // A picture of a guest that never ends is taken then.

// Words that stand for something else than themselves.
struct Words {
    std::string image, layout, size, memory, max_insns, timeout;
};

class Formatter final : public CLI::Formatter {
public:
    Formatter() {
        constexpr std::size_t kNameColumn = 26;
        column_width(kNameColumn);
        label("Positionals", "Arguments");
    }
    std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: trapgate-gui [OPTION...] [IMAGE]\n";
    }
    std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_type_size() == 0 || option->get_positional()
                   ? ""
                   : " " + option->get_type_name();
    }
};

std::string layouts_help() {
    std::string text = "Layouts (--layout):\n";
    for (const LayoutPreset& preset : layout_presets()) {
        text += fmt::format("  {:<24}{}\n", preset.name, preset.purpose);
    }
    text += fmt::format("  {:<24}A beside B, A with P per cent of the width\n", "h(P,A,B)");
    text += fmt::format("  {:<24}A above B\n  {:<24}tabs\n", "v(P,A,B)", "t(A,B,...)");
    text += "\nPanels:\n";
    for (const Panel& panel : panel_table()) {
        text += fmt::format("  {:<24}{}\n", panel.name, panel.purpose);
    }
    return text;
}

void add_options(CLI::App& app, Options& options, Words& words) {
    const auto add = [&app](const char* group, const char* name, auto& target, const char* type,
                            const char* says) {
        return app.add_option(name, target, says)->type_name(type)->group(group);
    };
    app.add_option("IMAGE", words.image, "kernel to boot (the minikernel that comes along)");
    constexpr const char* kProbing = "Probing";
    add(kProbing, "-p,--probe", options.session.probes, "DEF",
        "kprobe: SYMBOL, or a line of kprobe_events")
        ->allow_extra_args(false);
    add(kProbing, "-b,--bpf", options.session.objects, "FILE",
        "eBPF object made by clang; attached as it says")
        ->allow_extra_args(false);
    constexpr const char* kMachine = "Machine";
    add(kMachine, "--append", options.session.image.command_line, "TEXT",
        "the kernel's command line");
    add(kMachine, "--mem", words.memory, "SIZE", "RAM (256M)");
    add(kMachine, "--model", options.session.machine.model, "NAME", "timing model (functional)");
    constexpr const char* kWindow = "Window";
    add(kWindow, "--layout", words.layout, "LAYOUT", "a preset or a layout string, see below");
    add(kWindow, "--size", words.size, "WxH", "of window or picture (1280x800)");
    add(kWindow, "--scale", options.scale, "FACTOR", "size of everything, 0.5 to 4")
        ->check(CLI::Range(0.5, 4.0).description(""));
    app.add_flag("--run-first", options.run_first, "run the guest to its end, then open the window")
        ->group(kWindow);
    constexpr const char* kNoDisplay = "Without a display (the guest runs first)";
    add(kNoDisplay, "--screenshot", options.screenshot, "FILE.png", "draw the window into a file");
    add(kNoDisplay, "--print-view", options.view, "PANEL", "print a panel as text");
    constexpr const char* kLimits = "Limits of running first";
    add(kLimits, "--max-insns", words.max_insns, "N", "stop after so many instructions");
    add(kLimits, "--timeout", words.timeout, "SECONDS", "stop after so long by the host's clock");
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const std::vector<std::string> rest = app.remaining();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || rest.empty()) {
        return {error.what(), {}, help_hint(app.get_name())};
    }
    CommandWords known{app.get_name(), {}, {}};
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& long_name : option->get_lnames()) {
            known.options.push_back("--" + long_name);
        }
    }
    return unknown_argument(rest.front(), known);
}

Result<void> read_size(const std::string& text, Options& options) {
    constexpr int kLeast = 200;
    constexpr int kMost = 8192;
    const std::size_t x = text.find('x');
    const auto number = [&](std::size_t from, std::size_t to, int& value) {
        const auto [end, status] = std::from_chars(text.data() + from, text.data() + to, value);
        return status == std::errc() && end == text.data() + to && value >= kLeast &&
               value <= kMost;
    };
    if (x == std::string::npos || !number(0, x, options.width) ||
        !number(x + 1, text.size(), options.height)) {
        return fail(fmt::format("not a size: \"{}\"", text), "--size",
                    fmt::format("width x height, {} to {} pixels: 1920x1080", kLeast, kMost));
    }
    return {};
}

Result<void> check_view(const std::string& name) {
    if (name.empty() || find_panel(name) != nullptr) {
        return {};
    }
    const auto names = panel_names();
    const std::string near = did_you_mean(nearest_names(name, names));
    return fail(fmt::format("there is no panel '{}'", name), "--print-view",
                near.empty() ? fmt::format("panels are {}", fmt::join(names, ", ")) : near);
}

// Words that stand for numbers; empty: not given.
Result<void> read_numbers(Options& options, const Words& words) {
    const auto read = [](const std::string& word, const char* option, auto&& parse, auto& target) {
        if (word.empty()) {
            return Result<void>();
        }
        return parse(word, option).map([&target](auto value) { target = value; });
    };
    return read(words.memory, "--mem", parse_size, options.session.machine.ram_bytes)
        .and_then([&] {
            return read(words.max_insns, "--max-insns", parse_count,
                        options.limits.max_instructions);
        })
        .and_then([&] {
            return read(words.timeout, "--timeout", parse_seconds, options.limits.max_host_seconds);
        });
}

Result<std::variant<Options, HelpText>> finish(Options options, const Words& words) {
    options.session.image.kernel = words.image.empty() ? kernel::default_image()
                                                       : kernel::shipped_or(words.image);
    std::ranges::transform(options.session.objects, options.session.objects.begin(),
                           kernel::shipped_or);
    if (!options.screenshot.empty() || !options.view.empty()) {
        options.limits.max_host_seconds = kPictureSeconds;
    }
    if (auto numbers = read_numbers(options, words); !numbers) {
        return tl::unexpected(numbers.error());
    }
    if (!words.size.empty()) {
        if (auto size = read_size(words.size, options); !size) {
            return tl::unexpected(size.error());
        }
    }
    if (auto view = check_view(options.view); !view) {
        return tl::unexpected(view.error());
    }
    auto layout = choose_layout(words.layout.empty() ? layout_presets().front().name
                                                     : std::string_view(words.layout));
    if (!layout) {
        return tl::unexpected(layout.error());
    }
    options.layout = std::move(*layout);
    return options;
}

}  // namespace

Result<std::variant<Options, HelpText>> read_options(std::span<const char* const> arguments,
                                                     std::string_view version) {
    Options options;
    Words words;
    CLI::App app(std::string(kExamples), "trapgate-gui");
    app.formatter(std::make_shared<Formatter>());
    app.footer(layouts_help());
    app.set_version_flag("--version", std::string(version), "the version");
    app.set_help_flag("-h,--help", "this text");
    add_options(app, options, words);
    // CLI11 takes the last argument first.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
        return HelpText{app.help()};
    } catch (const CLI::CallForVersion&) {
        return HelpText{fmt::format("trapgate-gui {}\n", version)};
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(usage_error(app, error));
    }
    return finish(std::move(options), words);
}

}  // namespace trapgate::gui
