// SPDX-License-Identifier: GPL-2.0-only
// `trapgate run --sh`: commands on both kernels, as a user types them. Those on Debian's skip where
// ./dev fetch-linux has not put it.
#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "emu/loader/kernel_file.hpp"
#include "tests/cli/pty_process.hpp"
#include "tests/cli/trapgate_process.hpp"
#include "tests/emu/loader/linux_files.hpp"

namespace trapgate::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

nlohmann::json report_in(const ScratchFolder& folder) {
    const auto bytes = read_file(folder.path() / "report.json");
    EXPECT_TRUE(bytes) << bytes.error().message();
    return bytes ? nlohmann::json::parse(std::string_view(
                       reinterpret_cast<const char*>(bytes->data()), bytes->size()))
                 : nlohmann::json();
}

// `command` on another kernel.
std::string on(const std::string& kernel, std::string command) {
    const std::string run = "trapgate run ";
    for (std::size_t at = 0; (at = command.find(run, at)) != std::string::npos;) {
        at += run.size();
        command.insert(at, kernel);
    }
    return command;
}

// The parameter is what names the kernel on the command line.
class Guest : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (std::string_view(GetParam()) != "") {
            TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
        }
    }
    ProcessResult run(const std::string& command) {
        const auto result = run_shell(on(GetParam(), command), folder.path(), 110);
        EXPECT_TRUE(result) << result.error().message();
        EXPECT_FALSE(result->timed_out);
        return *result;
    }
    const ScratchFolder folder{scratch_name()};

private:
    static std::string scratch_name() {
        std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        std::ranges::replace(name, '/', '-');
        return name;
    }
};

// What only Linux can.
class DebianLinux : public Guest {};

INSTANTIATE_TEST_SUITE_P(All, Guest, testing::Values("", "vmlinuz "), [](const auto& one) {
    return std::string(one.param).empty() ? "Minikernel" : "Debian";
});
INSTANTIATE_TEST_SUITE_P(All, DebianLinux, testing::Values("vmlinuz "),
                         [](const auto&) { return "Debian"; });

TEST_P(Guest, PassesOnWhatACommandSaysAndItsStatus) {
    const ProcessResult good = run(
        "trapgate run --report report.json --sh 'echo $((6 * 7)); tty; cat /proc/1/comm'");
    EXPECT_EQ(good.status, 0) << good.err;
    EXPECT_EQ(good.out, "42\n/dev/ttyS0\ninit\n");
    EXPECT_EQ(report_in(folder)["exit"]["reason"], "guest-exit");
    EXPECT_EQ(report_in(folder)["exit"]["status"], 0);
}

TEST_P(Guest, RunsAProgramWithItsWordsAndGivesItsStatus) {
    const ProcessResult result = run(
        "printf '#!/bin/sh\\necho \"$0 $# $1\"; exit $2\\n' > prog; chmod +x prog\n"
        "trapgate run --report report.json -- ./prog 'a b' 200");
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_EQ(result.out, "./prog 2 a b\n");
    EXPECT_EQ(report_in(folder)["exit"]["status"], 200);
}

TEST_P(Guest, AFailingCommandIsOneWithItsNumberInTheReport) {
    const ProcessResult bad = run("trapgate run --report report.json --sh 'exit 255'");
    EXPECT_EQ(bad.status, 1) << bad.err;
    EXPECT_EQ(report_in(folder)["exit"]["reason"], "guest-exit");
    EXPECT_EQ(report_in(folder)["exit"]["status"], 255);
}

TEST_P(Guest, AddedFilesAreThereWithTheirModes) {
    const ProcessResult result = run(
        "mkdir -p data/sub; echo inside > data/sub/file; ln -s sub/file data/link\n"
        "printf '#!/bin/sh\\necho $0 runs; exit 7\\n' > prog; chmod 750 prog\n"
        "trapgate run --report report.json --add prog:/bin/ --add data:/srv/data --sh"
        " 'cat /srv/data/link; stat -c %a /bin/prog; prog'");
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_EQ(result.out, "inside\n750\n/bin/prog runs\n");
    EXPECT_EQ(report_in(folder)["exit"]["status"], 7);
}

// What the loader found in the stripped image against what the kernel itself shows.
TEST_P(DebianLinux, ItsSymbolsAndTypesAreTheOnesThatTheLoaderFinds) {
    const Result<emu::KernelFile> kernel = emu::read_kernel_file(emu::linux_file("vmlinuz"));
    ASSERT_TRUE(kernel) << kernel.error().message();
    std::vector<std::string> lines;
    for (const emu::Symbol& symbol : kernel->elf.symbols) {
        lines.push_back(fmt::format("{:016x} {}\n", symbol.address.value, symbol.name));
    }
    EXPECT_GT(lines.size(), 90'000U);
    std::ranges::sort(lines);
    std::string decoded;
    for (const std::string& line : lines) {
        decoded += line;
    }
    ASSERT_TRUE(write_file(folder.path() / "decoded", decoded));
    const std::span<const std::byte> btf = kernel->elf.btf;
    ASSERT_TRUE(write_file(folder.path() / "types",
                           {reinterpret_cast<const char*>(btf.data()), btf.size()}));
    const ProcessResult result = run(
        "trapgate run --append nokaslr --add decoded:/ --add types:/ --sh '"
        "grep -v \"\\[\" /proc/kallsyms | cut -d\" \" -f1,3 | sort > /printed;"
        " cmp /decoded /printed && cmp /types /sys/kernel/btf/vmlinux && wc -l < /printed'");
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, fmt::format("{}\n", lines.size()));
}

TEST_P(DebianLinux, HasAsManyCpusAsAskedFor) {
    const ProcessResult result = run("trapgate run --cpus 2 --sh nproc");
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, "2\n");
}

TEST_P(DebianLinux, APanicIsThreeAlsoWhereTheKernelLoopsOn) {
    const ProcessResult result = run(
        "trapgate run --append panic=0 --sh 'echo c > /proc/sysrq-trigger'");
    EXPECT_EQ(result.status, 3) << result.err;
    EXPECT_THAT(result.out, HasSubstr("end Kernel panic - not syncing: sysrq triggered crash"));
    EXPECT_THAT(result.err, HasSubstr("trapgate: panic, status 255;"));
}

TEST_P(DebianLinux, AHaltThatWasAskedForIsAGoodEnd) {
    const ProcessResult result = run("trapgate run --sh 'poweroff -f'");
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("trapgate: shutdown;"));
}

TEST_P(DebianLinux, AKernelWithoutARootPanics) {
    const ProcessResult result = run("trapgate run --append console=ttyS0");
    EXPECT_EQ(result.status, 3) << result.err;
    EXPECT_THAT(result.out, HasSubstr("Unable to mount root fs"));
}

// What a guest of many processes does, twice: the same bytes and the same counts.
TEST_P(Guest, AScriptRunsTheSameEachTime) {
    const std::string script =
        "for i in 1 2 3 4 5; do for j in 1 2 3 4; do (echo $i.$j) & done; wait; done | sort |"
        " tr '\\n' ' '; echo\n"
        "sh -c 'trap \"echo caught\" USR1; kill -USR1 $$; kill -SEGV $$'; echo died of $?\n"
        "sleep 100 & kill $!; wait $!; echo killed: $?\n"
        "head -c 300000 /dev/zero | tr '\\0' x | wc -c\n"
        "dd if=/dev/zero of=/tmp/file bs=64k count=8 2>/dev/null; mount -o remount,rw / 2>&1;"
        " md5sum < /tmp/file\n"
        "start=$(date +%s); sleep 3; echo slept $(($(date +%s) - start))\n"
        "poweroff\n";
    ASSERT_TRUE(write_file(folder.path() / "script", script));
    ProcessResult runs[2];
    nlohmann::json reports[2];
    for (int i = 0; i < 2; ++i) {
        runs[i] = run("trapgate run --report report.json --sh \"$(cat script)\"");
        reports[i] = report_in(folder);
        reports[i].erase("host_seconds");
        reports[i].erase("peak_rss_bytes");
    }
    EXPECT_EQ(runs[0].status, 0) << runs[0].err;
    EXPECT_THAT(runs[0].out, HasSubstr("1.1 1.2 1.3 1.4 2.1 "));
    EXPECT_THAT(runs[0].out, HasSubstr("caught\n"));
    EXPECT_THAT(runs[0].out, HasSubstr("died of 139\n"));
    EXPECT_THAT(runs[0].out, HasSubstr("killed: 143\n"));
    EXPECT_THAT(runs[0].out, HasSubstr("\n300000\n"));
    EXPECT_THAT(runs[0].out, HasSubstr("59071590099d21dd439896592338bf95"));
    EXPECT_THAT(runs[0].out, HasSubstr("slept 3\n"));
    EXPECT_EQ(runs[0].out, runs[1].out);
    EXPECT_EQ(runs[0].err, runs[1].err);
    EXPECT_EQ(reports[0], reports[1]);
}

TEST_P(Guest, AShellOnATerminalAnswersAndItsRecordingRepeatsIt) {
    const std::string log = (folder.path() / "log").string();
    const std::string report = (folder.path() / "report.json").string();
    PtyProcess shell(
        on(GetParam(), "exec trapgate run --report " + report + " --record " + log + " --sh sh"));
    ASSERT_TRUE(shell.shows("# ")) << shell.shown();
    shell.type("echo $((6 * 7)); stty -echo\r");
    ASSERT_TRUE(shell.shows("\n42\r\n")) << shell.shown();
    // ^C takes away what was typed and not yet read.
    shell.type("sh -c 'echo star\"\"ted; exec sleep 1000'\r");
    ASSERT_TRUE(shell.shows("started")) << shell.shown();
    shell.type("\x03");
    shell.type("echo interrupted with $?\r");
    EXPECT_TRUE(shell.shows("interrupted with 130")) << shell.shown();
    shell.type("exit 3\r");
    EXPECT_EQ(shell.wait(), 1);
    EXPECT_THAT(shell.shown(), HasSubstr("guest-exit, status 3"));
    EXPECT_TRUE(shell.terminal_is_cooked());
    nlohmann::json recorded = report_in(folder);

    const ProcessResult replayed = run("trapgate run --report report.json --replay log --sh sh");
    EXPECT_EQ(replayed.status, 1) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("\n42\n"));
    EXPECT_THAT(replayed.out, HasSubstr("interrupted with 130\n"));
    nlohmann::json repeated = report_in(folder);
    for (const char* key : {"cycles", "instructions", "interrupts", "exceptions", "exit"}) {
        EXPECT_EQ(recorded[key], repeated[key]) << key;
    }

    const ProcessResult other = run("trapgate run --replay log --sh 'echo another'");
    EXPECT_EQ(other.status, 2);
    EXPECT_THAT(other.err, HasSubstr("trapgate: log: it is of another image"));
    EXPECT_THAT(other.err, HasSubstr("hint: "));
}

TEST_P(Guest, TakesCommandsFromAPipe) {
    const ProcessResult piped = run(
        "printf 'stty -echo\\necho $((6 * 7))\\nexit 5\\n' | trapgate run --report report.json "
        "--sh sh");
    EXPECT_EQ(piped.status, 1) << piped.err;
    EXPECT_THAT(piped.out, HasSubstr("42\n"));
    EXPECT_EQ(report_in(folder)["exit"]["status"], 5);
}

// What is there before the run begins comes at the same cycle each time.
TEST_P(Guest, TakesCommandsFromAFile) {
    ASSERT_TRUE(write_file(folder.path() / "script", "stty -echo\nhead -c 9 /proc/uptime; exit\n"));
    const std::string command = "trapgate run --sh sh < script";
    const ProcessResult first = run(command);
    const ProcessResult second = run(command);
    EXPECT_EQ(first.status, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr("/proc/uptime"));
    EXPECT_EQ(first.out, second.out);
    EXPECT_EQ(first.err, second.err);
}

}  // namespace
}  // namespace trapgate::cli
