// SPDX-License-Identifier: GPL-2.0-only
// A probe with a BPF program in Debian's unmodified kernel, while all its CPUs run through it.
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/session/session.hpp"
#include "tests/emu/loader/linux_files.hpp"

namespace trapgate::kernel {
namespace {

using testing::HasSubstr;

TEST(DebianLinux, CountsOpensOfAllCpusWithoutMissingOne) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    // Each shell opens its files; what they count must not depend on who runs where.
    constexpr std::string_view kScript =
        "for i in 1 2 3 4; do (for j in 1 2 3 4 5; do cat /proc/version >/tmp/$i; done) & done\n"
        "wait\n"
        "echo done\n";
    std::optional<std::uint64_t> opens;
    for (const unsigned cpus : {1U, 2U, 4U}) {
        SessionConfig config;
        config.machine.cpus = cpus;
        config.image.kernel = kernel;
        config.image.command_line = "console=ttyS0 panic=-1 mitigations=off";
        config.image.initrd_overlay = emu::busybox_initramfs(busybox, kScript);
        config.objects.push_back(std::filesystem::path(TRAPGATE_SHARE_DIR) / "open_counter.bpf.o");
        const auto run = [&] {
            auto session = Session::create(config);
            EXPECT_TRUE(session) << session.error().message();
            const emu::StopEvent stop = (*session)->run({.max_instructions = 20'000'000'000});
            EXPECT_EQ(stop.reason, emu::StopReason::GuestExit) << (*session)->snapshot()->console;
            return (*session)->snapshot();
        };
        const SnapshotPtr end = run();
        EXPECT_THAT(end->console, HasSubstr("done\r\n"));
        ASSERT_EQ(end->probes.size(), 1U);
        EXPECT_GE(end->probes[0].hits, 40U);  // 20 times cat opens a file, and the shell another.
        EXPECT_EQ(end->probes[0].hits, opens.value_or(end->probes[0].hits)) << cpus;
        opens = end->probes[0].hits;
        EXPECT_EQ(end->probes[0].missed, 0U);
        std::uint64_t counted = 0;
        ASSERT_EQ(end->maps[0].elements[0].value.size(), sizeof(counted));
        std::memcpy(&counted, end->maps[0].elements[0].value.data(), sizeof(counted));
        EXPECT_EQ(counted, end->probes[0].hits) << cpus;
        EXPECT_EQ(run()->counters, end->counters) << cpus;
    }
}

}  // namespace
}  // namespace trapgate::kernel
