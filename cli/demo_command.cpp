// SPDX-License-Identifier: GPL-2.0-only
// `trapgate demo`: the project's main job, once, in plain words.
#include <algorithm>
#include <span>
#include <sstream>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/interrupt.hpp"
#include "cli/narrator.hpp"
#include "cli/source_line.hpp"
#include "cli/typed.hpp"
#include "cli/value_text.hpp"
#include "kernel/api/host_kernel.hpp"
#include "kernel/session/session.hpp"
#include "kernel/session/shipped.hpp"

namespace trapgate::cli {
namespace {

constexpr const char* kFunction = "do_sys_openat2";
constexpr std::size_t kShownRecords = 3;
// Nobody sleeps and no timer ticks while this runs, so neither idle time nor another order of tasks
// can hide the price of the probe.
constexpr const char* kWorkload = "tasks=8 loops=1 hz=19";
constexpr double kPatience = 60;  // seconds; a demo must end

/// One run from power-on to the end.
struct DemoRun {
    std::unique_ptr<kernel::Session> session;
    kernel::SnapshotPtr last;
};

Result<DemoRun> run_once(std::vector<std::filesystem::path> objects) {
    kernel::SessionConfig config;
    config.image = {kernel::default_image(), kWorkload};
    config.objects = std::move(objects);
    return kernel::Session::create(config).and_then(
        [](std::unique_ptr<kernel::Session>&& session) -> Result<DemoRun> {
            const InterruptGuard interrupt(session->machine());
            emu::RunLimits limits;
            limits.max_host_seconds = kPatience;
            const emu::StopEvent stop = session->run(limits);
            if (stop.reason != emu::StopReason::GuestExit || stop.status != 0) {
                return fail(fmt::format("the guest did not come to a good end: {}",
                                        kernel::reason_name(stop.reason)),
                            typed(kernel::default_image()),
                            own_command() + " run shows its console");
            }
            kernel::SnapshotPtr last = session->snapshot();
            return DemoRun{std::move(session), std::move(last)};
        });
}

void tell_boot(Narrator& out, const DemoRun& plain) {
    out.step("A kernel boots in an emulated x86-64 machine.");
    out.say("Nothing is attached to it yet: this is the run to compare with. Its console:");
    std::istringstream console(plain.last->console);
    for (std::string line; std::getline(console, line);) {
        line.resize(line.find_last_not_of('\r') + 1);
        out.quote("guest", line);
    }
    out.say(
        fmt::format("The kernel ended with status 0 after {} cycles. Cycles are the only time "
                    "there is, and every count belongs to a timing model: this one, \"{}\", "
                    "takes one cycle for an instruction.",
                    grouped(plain.last->counters.cycles.value), plain.last->model));
}

void tell_probe(Narrator& out, const kernel::ProbeView& probe) {
    out.step("A probe goes in.");
    out.say(
        fmt::format("A kprobe is a trap that stands in place of one instruction. When the "
                    "kernel gets there, something else runs first. This one stands on {}, the "
                    "function that opens files:",
                    kFunction));
    out.fact("address", fmt::format("{:016x}", probe.address.value));
    if (const auto source = find_function_source(kernel::default_image(), probe.address)) {
        out.fact("source", fmt::format("{}:{}", source->file, source->line));
        if (!source->text.empty()) {
            out.fact("", source->text);
        }
    }
    out.say(
        "The kernel was not built for this: the host writes the trap into its memory, and "
        "hides it from every reader.");
}

void tell_program(Narrator& out, const kernel::ProgramObject& program) {
    out.step("An eBPF program waits behind the probe.");
    out.say(
        "open_counter.bpf.c is ordinary C for eBPF. clang compiled it, libbpf loaded it, the "
        "verifier proved it safe, and the JIT made it code of the guest's own processor:");
    const std::span<const std::uint8_t> code = program.placed->code();
    out.fact("program", program.name);
    out.fact("eBPF", fmt::format("{} instructions, {} bytes", program.verified.insns.size(),
                                 program.verified.insns.size() * sizeof(bpf::Insn)));
    out.fact("x86-64", fmt::format("{} bytes at {:016x}, inside the guest", code.size(),
                                   program.placed->entry().value));
}

void tell_results(Narrator& out, const DemoRun& probed) {
    out.step("The same kernel boots again, with the program in it.");
    out.say(
        "Each time a file is opened, the program adds 1 to a map and sends a record through a "
        "ring buffer. What they hold at the end:");
    for (const kernel::MapView& map : probed.last->maps) {
        for (const kernel::MapElement& element : map.elements) {
            out.fact("map", fmt::format("{}[{}] = {}", map.name, plain_value(element.key_text),
                                        plain_value(element.value_text)));
        }
    }
    for (const kernel::RingView& ring : probed.last->rings) {
        out.fact("ring",
                 fmt::format("{}: {} records, {} dropped", ring.name, ring.records, ring.dropped));
        for (std::size_t i = 0; i < std::min(kShownRecords, ring.last.size()); ++i) {
            out.fact("", plain_value(ring.last[i].text));
        }
        if (ring.last.size() > kShownRecords) {
            out.fact("", "...");
        }
    }
}

void tell_price(Narrator& out, const DemoRun& plain, const DemoRun& probed) {
    const std::uint64_t before = plain.last->counters.cycles.value;
    const std::uint64_t after = probed.last->counters.cycles.value;
    const std::uint64_t hits = std::max<std::uint64_t>(1, probed.last->probes.front().hits);
    out.step("What the probe cost.");
    out.fact("without", fmt::format("{:>11} cycles", grouped(before)));
    out.fact("with", fmt::format("{:>11} cycles", grouped(after)));
    if (after >= before) {
        out.fact("price",
                 fmt::format("{:>11} cycles: about {} for each of {} hits", grouped(after - before),
                             grouped((after - before) / hits), hits));
    }
    out.say("Run it again, here or on another computer: every number above will be the same.");
}

int tell(const DemoRun& plain, const DemoRun& probed) {
    Narrator out(standard_output());
    out.title("Trapgate: a kprobe and an eBPF program in a kernel that knows of neither");
    tell_boot(out, plain);
    tell_probe(out, probed.last->probes.front());
    tell_program(out, *probed.session->host_kernel().programs().front());
    tell_results(out, probed);
    tell_price(out, plain, probed);
    const std::string self = own_command();
    out.next({{self + " run -p vfs_open", "print a line at each call of a function"},
              {self + " run -b open_names.bpf.o", "another program: the names of the files"},
              {self + " lab show first-boot", "an exercise that checks itself"}});
    return 0;
}

int demo() {
    const Result<int> status = run_once({}).and_then([](const DemoRun& plain) {
        return run_once({kernel::share_folder() / "open_counter.bpf.o"})
            .map([&](const DemoRun& probed) { return tell(plain, probed); });
    });
    return status ? *status : report_error(status.error());
}

}  // namespace

void add_demo_command(CLI::App& app, Work& chosen) {
    CLI::App* sub = app.add_subcommand(
        "demo",
        help_opening({{"trapgate demo", ""}},
                     "Boots the small kernel twice, the second time with a probe and an eBPF "
                     "program\nin it, and says what happens. It ends by itself after a moment."));
    sub->footer("see it work, step by step");
    sub->group("Commands");
    sub->callback([&chosen] { chosen = demo; });
}

}  // namespace trapgate::cli
