// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/commands.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.hpp"
#include "kernel/events/probe_events.hpp"

namespace trapgate::kernel {
namespace {

using Arguments = std::vector<std::string>;

Result<std::uint64_t> count_argument(const Arguments& arguments) {
    if (arguments.empty()) {
        return 1;
    }
    std::uint64_t count = 0;
    const std::string& text = arguments.front();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count == 0) {
        return fail("not a count", text, "a whole number above 0");
    }
    return count;
}

std::string where(Session& session) {
    const SnapshotPtr now = session.snapshot();
    return fmt::format("{} at cycle {} ({})", now->location, now->counters.cycles.value,
                       now->model);
}

Result<std::string> do_continue(CommandContext& context, const Arguments&) {
    if (context.session.snapshot()->ended) {
        return fail("the guest has ended", "continue", "start it again");
    }
    context.running = true;
    return std::string("running");
}

Result<std::string> do_pause(CommandContext& context, const Arguments&) {
    context.running = false;
    return where(context.session);
}

Result<std::string> do_step(CommandContext& context, const Arguments& arguments) {
    return count_argument(arguments).and_then([&](std::uint64_t count) -> Result<std::string> {
        if (context.session.snapshot()->ended) {
            return fail("the guest has ended", "step", "start it again");
        }
        context.running = false;
        emu::RunLimits limits;
        limits.max_instructions = context.session.machine().counters().instructions + count;
        // A command that came meanwhile has asked for a stop: that one is not for us.
        while (context.session.run(limits).reason == emu::StopReason::Requested) {
        }
        return where(context.session);
    });
}

Result<std::string> do_status(CommandContext& context, const Arguments&) {
    const SnapshotPtr now = context.session.snapshot();
    return fmt::format("{}\n{} instructions, {} cycles ({}), {} interrupts",
                       now->ended ? fmt::format("ended: {}", reason_name(now->stop.reason))
                                  : (context.running ? "running" : "paused"),
                       now->counters.instructions, now->counters.cycles.value, now->model,
                       now->counters.interrupts);
}

Result<std::string> do_registers(CommandContext& context, const Arguments&) {
    const SnapshotPtr now = context.session.snapshot();
    std::string text;
    for (std::size_t i = 0; i < cpu::kGprCount; ++i) {
        text += fmt::format("{:<4}{:016x}{}", cpu::gpr_name(static_cast<cpu::Gpr>(i)),
                            now->registers.gpr[i], i % 4 == 3 ? "\n" : "  ");
    }
    return text + fmt::format("rip {:016x}  {}\nrflags {:x}", now->registers.rip, now->location,
                              now->registers.rflags);
}

Result<std::string> do_probes(CommandContext& context, const Arguments&) {
    std::string text;
    for (const ProbeView& probe : context.session.snapshot()->probes) {
        text += fmt::format("{:<32} {:<32} hits {} missed {}\n", probe.event, probe.where,
                            probe.hits, probe.missed);
    }
    return text.empty() ? std::string("no probes") : text;
}

// The text of a file of tracefs, which may be empty.
std::string or_none(std::string text) { return text.empty() ? "none" : text; }

Result<std::string> do_events(CommandContext& context, const Arguments&) {
    return or_none(context.session.events().kprobe_events());
}

Result<std::string> do_profile(CommandContext& context, const Arguments&) {
    return or_none(context.session.events().kprobe_profile());
}

Result<std::string> do_format(CommandContext& context, const Arguments& arguments) {
    return arguments.empty() ? fail("which event", "format", "format [GROUP/]EVENT")
                             : context.session.events().format(arguments.front());
}

Result<std::string> do_filter(CommandContext& context, const Arguments& arguments) {
    if (arguments.empty()) {
        return fail("which event", "filter", "filter [GROUP/]EVENT [EXPRESSION|0]");
    }
    ProbeEvents& events = context.session.events();
    if (arguments.size() > 1) {
        const std::string text = fmt::format(
            "{}", fmt::join(arguments.begin() + 1, arguments.end(), " "));
        if (const Result<void> done = events.set_filter(arguments.front(), text); !done) {
            return tl::unexpected(done.error());
        }
    }
    return events.filter(arguments.front());
}

Result<std::string> do_maps(CommandContext& context, const Arguments&) {
    std::string text;
    for (const MapView& map : context.session.snapshot()->maps) {
        text += fmt::format("{} {} ({}, {} elements)\n", map.id, map.name, map.type,
                            map.element_count);
        for (const MapElement& element : map.elements) {
            text += fmt::format("  {}: {}\n", element.key_text, element.value_text);
        }
    }
    return text.empty() ? std::string("no maps") : text;
}

Result<std::string> do_help(CommandContext&, const Arguments&) {
    std::string text;
    for (const Command& command : command_table()) {
        text += fmt::format("{:<22} {}\n", fmt::format("{} {}", command.name, command.arguments),
                            command.help);
    }
    return text;
}

constexpr std::array kCommands{
    Command{"continue", "c", "", "let the guest run", do_continue},
    Command{"pause", "p", "", "stop the guest where it is", do_pause},
    Command{"step", "s", "[COUNT]", "run COUNT instructions (1)", do_step},
    Command{"status", "st", "", "what the machine is doing", do_status},
    Command{"registers", "r", "", "general registers, RIP and RFLAGS", do_registers},
    Command{"probes", "pr", "", "probes with hits and misses", do_probes},
    Command{"events", "e", "", "their definitions, as kprobe_events lists them", do_events},
    Command{"profile", "prof", "", "kprobe_profile: event, hits, misses", do_profile},
    Command{"format", "f", "EVENT", "the event's format file", do_format},
    Command{"filter", "fi", "EVENT [EXPR|0]", "which hits are shown", do_filter},
    Command{"maps", "m", "", "BPF maps with their elements", do_maps},
    Command{"help", "h", "", "this list", do_help},
};

}  // namespace

std::span<const Command> command_table() { return kCommands; }

Result<std::string> run_command(CommandContext& context, std::string_view line) {
    std::istringstream words{std::string(line)};
    std::string name;
    words >> name;
    Arguments arguments;
    for (std::string word; words >> word;) {
        arguments.push_back(word);
    }
    for (const Command& command : kCommands) {
        if (command.name.starts_with(name) && name.size() >= command.shortest.size()) {
            return command.handler(context, arguments);
        }
    }
    std::vector<std::string_view> names;
    names.reserve(std::size(kCommands));
    for (const Command& command : kCommands) {
        names.push_back(command.name);
    }
    const std::string near = did_you_mean(nearest_names(name, names));
    return fail("no such command", name, near.empty() ? "help lists them" : near);
}

}  // namespace trapgate::kernel
