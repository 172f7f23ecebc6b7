// SPDX-License-Identifier: GPL-2.0-only
// Definitions on guests: what they show is what the guest did.
#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "kernel/api/host_kernel.hpp"
#include "kernel/events/probe_events.hpp"
#include "kernel/session/session.hpp"
#include "tests/emu/loader/linux_files.hpp"

namespace trapgate::kernel {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

struct Outcome {
    std::vector<EventView> hits;
    std::vector<std::string> lines;
    SnapshotPtr end;
    emu::StopEvent stop;
};

SessionConfig minikernel(std::vector<std::string> probes) {
    SessionConfig config;
    config.image.kernel = std::filesystem::path(TRAPGATE_SHARE_DIR) / "minikernel.elf";
    config.probes = std::move(probes);
    return config;
}

Outcome run_to_end(SessionConfig config) {
    Outcome run;
    config.events.probe = [&](const EventView& hit) {
        run.hits.push_back(hit);
        run.lines.push_back(hit.line());
    };
    const Result<std::unique_ptr<Session>> session = Session::create(config);
    if (!session) {
        ADD_FAILURE() << session.error().message();
        run.end = std::make_shared<SessionSnapshot>();
        return run;
    }
    run.stop = (*session)->run({.max_instructions = 20'000'000'000, .max_host_seconds = 300});
    run.end = (*session)->snapshot();
    return run;
}

std::string text_of(const EventView& hit, std::size_t arg) {
    const auto* const text = std::get_if<std::string>(&hit.args.at(arg).values.at(0));
    return text == nullptr ? "" : *text;
}

TEST(MinikernelEvents, ShowEachOpenWithItsArgumentsAndTask) {
    const Outcome run = run_to_end(
        minikernel({"p:open do_sys_openat2 dfd=%di path=+0(%si):string who=$comm"}));
    EXPECT_EQ(run.stop.reason, emu::StopReason::GuestExit);
    ASSERT_EQ(run.hits.size(), 53U);  // roms/minikernel/README.md
    EXPECT_EQ(run.end->probes.at(0).hits, 53U);
    EXPECT_EQ(run.end->probes.at(0).missed, 0U);
    std::set<std::string> paths;
    for (std::size_t i = 0; i < run.hits.size(); ++i) {
        const EventView& hit = run.hits[i];
        EXPECT_THAT(
            run.lines[i],
            MatchesRegex(" *[a-z/0-9]+-[0-9]+ +\\[000\\] [.dbD][.nN][.hs][.0-9]\\. +0\\.[0-9]+: "
                         "open: \\(do_sys_openat2\\+0x0/0x[0-9a-f]+\\) dfd=0xffffff9c "
                         "path=.* who=\"[a-z/0-9]+\""));
        EXPECT_EQ(hit.context.task, text_of(hit, 2));
        EXPECT_GT(hit.context.pid, 0U);
        paths.insert(text_of(hit, 1));
    }
    EXPECT_THAT(paths, Contains("/no/such/file"));
    EXPECT_THAT(paths, Contains("/tmp/worker0-3"));
    EXPECT_THAT(run.end->trace, Contains(run.lines.back()));
}

TEST(MinikernelEvents, AreTheSameInEachRunAndWithAnyNumberOfProbes) {
    const std::vector<std::string> probes{
        "p:open do_sys_openat2 path=+0(%si):string if path ~ \"*worker*\"", "p:rd vfs_read $arg*",
        "p:pf exc_page_fault at=+0($stack):symbol", "p schedule"};
    const Outcome first = run_to_end(minikernel(probes));
    const Outcome again = run_to_end(minikernel(probes));
    EXPECT_GT(first.lines.size(), 100U);
    EXPECT_EQ(first.lines, again.lines);
    EXPECT_EQ(first.end->counters, again.end->counters);
    const ProbeView& open = first.end->probes.at(0);
    EXPECT_GT(open.filtered, 0U);
    EXPECT_EQ(open.hits, 53U);
}

TEST(MinikernelEvents, NamesFromBtfAreTheRegistersOfTheCall) {
    const Outcome run = run_to_end(
        minikernel({"p:rd vfs_read file count flags=file->f_flags a=%di b=%dx:u64 c=$arg3:u64"}));
    ASSERT_GT(run.hits.size(), 5U);
    for (const EventView& hit : run.hits) {
        EXPECT_EQ(hit.args[0].text, hit.args[3].text);
        EXPECT_EQ(hit.args[1].text, hit.args[4].text);
        EXPECT_EQ(hit.args[1].text, hit.args[5].text);
        EXPECT_THAT(hit.args[2].text, Not(HasSubstr("fault")));
    }
}

TEST(MinikernelEvents, ShowReturnsWithTheirArgumentsAndWhereTheyGo) {
    const Outcome run = run_to_end(minikernel({"p:open do_sys_openat2 path=+0(%si):string",
                                               "r:back do_sys_openat2 fd=$retval:s32 "
                                               "filename path=+0($arg2):string",
                                               "r5:rd vfs_read $retval count=$arg3:u64"}));
    EXPECT_EQ(run.stop.reason, emu::StopReason::GuestExit);
    std::vector<std::string> entered;
    std::vector<std::string> left;
    for (std::size_t i = 0; i < run.hits.size(); ++i) {
        const EventView& hit = run.hits[i];
        if (hit.event == "open") {
            entered.push_back(text_of(hit, 0));
        } else if (hit.event == "back") {
            left.push_back(text_of(hit, 2));
            EXPECT_THAT(hit.where,
                        MatchesRegex("[a-z_0-9]+\\+0x[0-9a-f]+/0x[0-9a-f]+ <- do_sys_openat2"));
            EXPECT_GE(std::get<std::int64_t>(hit.args[0].values[0]), -40);
            EXPECT_LT(std::get<std::int64_t>(hit.args[0].values[0]), 40);
        } else {
            EXPECT_LE(std::get<std::int64_t>(hit.args[0].values[0]),
                      static_cast<std::int64_t>(std::get<std::uint64_t>(hit.args[1].values[0])));
        }
    }
    EXPECT_EQ(entered.size(), 53U);
    std::ranges::sort(entered);
    std::ranges::sort(left);
    EXPECT_EQ(entered, left);
    EXPECT_EQ(run.end->probes.at(1).hits, 53U);
    for (const ProbeView& probe : run.end->probes) {
        EXPECT_EQ(probe.missed, 0U) << probe.event;
    }
}

TEST(MinikernelEvents, SayWhyReturnsWereMissed) {
    // A task that waits in schedule() has not returned, so one instance is soon taken.
    const Outcome run = run_to_end(minikernel({"r1:s schedule"}));
    EXPECT_EQ(run.stop.reason, emu::StopReason::GuestExit);
    const ProbeView& probe = run.end->probes.at(0);
    EXPECT_GT(probe.missed, 0U);
    ASSERT_EQ(probe.misses.size(), 1U);
    EXPECT_EQ(probe.misses[0].reason, kMissedMaxactive);
    EXPECT_EQ(probe.misses[0].count, probe.missed);
}

TEST(MinikernelEvents, HaveTheFilesOfTracefs) {
    const auto session = Session::create(minikernel(
        {"p:g/open do_sys_openat2 path=+0(%si):string if path == \"/tmp\"", "vfs_read"}));
    ASSERT_TRUE(session) << session.error().message();
    EXPECT_FALSE((*session)->events().command("p nothing_at_all"));
    (*session)->run({});
    VirtualFiles& files = (*session)->host_kernel().files();
    EXPECT_EQ(files.read("/sys/kernel/tracing/kprobe_events"),
              "p:g/open do_sys_openat2 path=+0(%si):string\n"
              "p:kprobes/p_vfs_read_0 vfs_read\n");
    EXPECT_EQ(files.read("/sys/kernel/debug/tracing/kprobe_profile")->substr(0, 79),
              "  open                                                      53               0\n");
    EXPECT_THAT(*files.read("/sys/kernel/tracing/error_log"),
                HasSubstr("] trace_kprobe: error: Invalid probed address or symbol\n"
                          "  Command: p nothing_at_all\n             ^\n"));
    const std::string folder = "/sys/kernel/tracing/events/g/open/";
    EXPECT_EQ(files.read(folder + "filter"), "path == \"/tmp\"\n");
    EXPECT_EQ(files.read(folder + "enable"), "1\n");
    EXPECT_EQ(files.read(folder + "id"), "2000\n");
    EXPECT_THAT(*files.read(folder + "format"), HasSubstr("__data_loc char[] path;\toffset:16;"));
    EXPECT_TRUE((*session)->events().set_enabled("g/open", false));
    EXPECT_TRUE((*session)->events().command("-:g/open"));
    EXPECT_EQ(files.read(folder + "format"), std::nullopt);
}

TEST(MinikernelEvents, RefuseWhatLinuxRefuses) {
    const char* root = std::getenv("TRAPGATE_CASES");
    if (root == nullptr || *root == '\0') {
        GTEST_SKIP() << "TRAPGATE_CASES is not set";
    }
    const auto bytes = read_file(std::string(root) + "/bpf/kprobe_events_syntax_errors.json");
    ASSERT_TRUE(bytes) << bytes.error().message();
    const auto file = nlohmann::json::parse(
        std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
    const auto session = Session::create(minikernel({}));
    ASSERT_TRUE(session) << session.error().message();
    ProbeEvents& events = (*session)->events();
    ASSERT_TRUE(events.command("p:kprobes/testevent kernel_clone abcd=\\1"));
    for (const auto& entry : file["cases"]) {
        std::string command = entry["cmd"];
        const std::string error = entry["error"];
        if (const std::size_t at = command.find("$FUNCTION_FORK"); at != std::string::npos) {
            command.replace(at, std::string_view("$FUNCTION_FORK").size(), "kernel_clone");
        }
        const Result<void> done = events.command(command);
        // This one is an error where there is no BTF, and here there is.
        EXPECT_EQ(done.has_value(), error == "NOSUP_BTFARG") << command;
        if (!done) {
            const std::string name = error.substr(0, error.find_first_of(" ?"));
            EXPECT_THAT(done.error().what,
                        HasSubstr(name == "ARG_NAME_TOO_LOG" ? "ARG_NAME_TOO_LONG" : name))
                << command;
        }
    }
}

TEST(DebianEvents, ShowEachOpenOfACommandOnAllCpus) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    SessionConfig config;
    config.machine.cpus = 2;
    config.image.kernel = kernel;
    config.image.command_line = "console=ttyS0 panic=-1 mitigations=off";
    config.image.initrd_overlay = emu::busybox_initramfs(
        busybox, "echo text > /tmp/marked\nread x < /tmp/marked\ncat /tmp/marked\n");
    config.probes = {"p:open do_sys_openat2 dfd=%di:s32 path=+0(%si):string how=how->flags",
                     "p:rd vfs_read name=file->f_path.dentry->d_name.name:string count",
                     "p:tick update_process_times"};
    const Outcome run = run_to_end(config);
    EXPECT_EQ(run.stop.reason, emu::StopReason::GuestExit) << run.end->console;
    const auto shown = [&](const std::string& pattern) {
        return std::ranges::any_of(run.lines, [&](const std::string& line) {
            return testing::Matches(MatchesRegex(pattern))(line);
        });
    };
    EXPECT_TRUE(
        shown(" +cat-[0-9]+ +\\[00[01]\\] \\.\\.\\.\\.\\. .*: open: "
              "\\(do_sys_openat2\\+0x0/0x[0-9a-f]+\\) dfd=-100 path=\"/tmp/marked\" "
              "how=[0-9]+"));
    EXPECT_TRUE(shown(".*: rd: .* name=\"marked\" count=.*"));
    // The timer's interrupt: a hard irq, interrupts off, over any task.
    EXPECT_TRUE(shown(".*\\[000\\] d.h.* tick: .*"));
    EXPECT_TRUE(shown(" +<idle>-0 +.*"));
    for (const ProbeView& probe : run.end->probes) {
        EXPECT_GT(probe.hits, 0U) << probe.event;
        EXPECT_EQ(probe.missed, 0U) << probe.event;
    }
    EXPECT_EQ(run_to_end(config).lines, run.lines);
}

}  // namespace
}  // namespace trapgate::kernel
