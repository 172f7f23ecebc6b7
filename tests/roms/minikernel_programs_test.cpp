// SPDX-License-Identifier: GPL-2.0-only
// The minikernel runs unmodified programs: Debian's static busybox, started by the guest's init.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

struct Script {
    const char* name;
    const char* command;
    const char* output;
    std::uint32_t status = 0;
};

class MinikernelShell : public testing::TestWithParam<Script> {};

TEST_P(MinikernelShell, PrintsWhatLinuxWould) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(busybox, GetParam().command);
    EXPECT_EQ(ran.stop.reason, emu::StopReason::GuestExit) << ran.console;
    EXPECT_EQ(ran.stop.status, GetParam().status);
    EXPECT_EQ(ran.console, GetParam().output);
}

INSTANTIATE_TEST_SUITE_P(
    All, MinikernelShell,
    testing::Values(
        Script{"Status", "exit 7", "", 7},
        Script{"Pipes", "echo hello | tr a-z A-Z | cat", "HELLO\n"},
        Script{"Loop", "for i in 1 2 3; do echo $i; done", "1\n2\n3\n"},
        Script{"HereDocument", "cat <<E | sort -r\na\nb\nE", "b\na\n"},
        Script{"Awk", "seq 1 100 | awk '{ s += $1 } END { print s / 3 }'", "1683.33\n"},
        Script{"Redirects", "echo a > /tmp/f; echo b >> /tmp/f; cat < /tmp/f; wc -c < /tmp/f",
               "a\nb\n4\n"},
        Script{"Globbing", "cd /tmp; touch x1 x2 y; echo x*; echo z*", "x1 x2\nz*\n"},
        Script{"Background", "(exit 3) & wait $!; echo $?", "3\n"},
        Script{"Kill", "sleep 100 & kill $!; wait $!; echo $?", "Terminated\n143\n"},
        Script{"Trap", "trap 'echo caught' USR1; kill -USR1 $$; echo after", "caught\nafter\n"},
        Script{"Sleep", "a=$(date +%s); sleep 2; echo $(($(date +%s) - a))", "2\n"},
        Script{"Tar",
               "cd /tmp; mkdir -p d/e; echo text > d/e/f; tar czf t.tgz d; rm -r d; tar xzf t.tgz; "
               "cat d/e/f; find d",
               "text\nd\nd/e\nd/e/f\n"},
        Script{"Links", "cd /tmp; echo t > f; ln -s f s; ln f h; cat s h; readlink s; rm f; cat h",
               "t\nt\nf\nt\n"},
        Script{"Rename", "cd /tmp; echo t > f; mkdir d; mv f d/g; ls d; mv d e; cat e/g", "g\nt\n"},
        Script{"Xargs", "echo a b c | xargs -n1 echo", "a\nb\nc\n"},
        Script{"Sed", "echo one two | sed 's/two/2/' | grep -c 2", "1\n"},
        Script{"Dd", "dd if=/dev/zero bs=1k count=64 2>/dev/null | md5sum",
               "fcd6bcb56c1689fcef28b57c22475bad  -\n"},
        Script{"Script", "printf '#!/bin/sh\\necho $0 $1\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s a",
               "/tmp/s a\n"},
        Script{"Missing", "/no/such/file; echo $?", "sh: /no/such/file: not found\n127\n"},
        // A shell takes what is no executable (ENOEXEC) for a script.
        Script{"BadExecutable",
               "printf '\\177ELF\\2\\1garbage' > /tmp/b; chmod +x /tmp/b; exec /tmp/b",
               "/tmp/b: line 1: \177ELF\2\1garbage: not found\n", 127},
        Script{"Fifo", "mkfifo /tmp/p; echo through > /tmp/p & cat /tmp/p; wait", "through\n"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(MinikernelPrograms, GiveAllTheirMemoryBack) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(
        busybox,
        "free() { while read a b c; do case $a in MemFree:) echo $b;; esac; done < /proc/meminfo; "
        "}\n"
        "work() { for i in 1 2 3 4 5; do seq 1 500 | sort -r | tail -1; done; sleep 1 & kill $!; "
        "wait $!; }\n"
        "work > /dev/null 2>&1; free; work > /dev/null 2>&1; free");
    const std::size_t half = ran.console.size() / 2;
    EXPECT_FALSE(ran.console.empty());
    EXPECT_EQ(ran.console.substr(0, half), ran.console.substr(half));
}

TEST(MinikernelPrograms, RunTheSameEveryTime) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const char* command = "seq 1 50 | sort -n | (sleep 1; wc -l); ls -l /proc/1 /bin | md5sum";
    const Ran first = run_shell(busybox, command);
    const Ran again = run_shell(busybox, command);
    EXPECT_EQ(again.console, first.console);
    EXPECT_EQ(again.instructions, first.instructions);
    EXPECT_LT(first.instructions, 60'000'000U);
}

}  // namespace
}  // namespace trapgate::roms
