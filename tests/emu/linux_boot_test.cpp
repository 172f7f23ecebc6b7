// SPDX-License-Identifier: GPL-2.0-only
// The proof on real input: Debian's unmodified kernel boots to a shell. Skipped where
// tools/fetch_linux.sh has not put it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "emu/boot.hpp"
#include "tests/emu/loader/linux_files.hpp"

namespace trapgate::emu {
namespace {

using testing::HasSubstr;

// What the guest's `crc` prints: the last 8 bytes of gzip's output are a CRC and the size.
constexpr std::string_view kCrcFunction = "crc() { gzip -1 -c | tail -c 8 | od -An -tx4; }\n";

std::string crc_line(std::string_view name, std::string_view text) {
    const uLong crc = ::crc32(0, reinterpret_cast<const Bytef*>(text.data()),
                              static_cast<uInt>(text.size()));
    return fmt::format("{} {:08x} {:08x}", name, crc, text.size());
}

// Runs a shell script as the guest's first program; its status comes out by the debug-exit port.
class DebianGuest {
public:
    DebianGuest(const std::filesystem::path& kernel, const std::filesystem::path& busybox,
                std::string_view script, const std::string& command_line, unsigned cpus = 1) {
        MachineConfig config;
        config.cpus = cpus;
        auto created = Machine::create(config);
        EXPECT_TRUE(created) << created.error().message();
        machine = std::move(*created);
        const Result<void> loaded = load_boot_image(
            *machine, {.kernel = kernel,
                       .command_line = command_line,
                       .initrd = {},
                       .initrd_overlay = busybox_initramfs(
                           busybox, std::string(kCrcFunction) + std::string(script))});
        EXPECT_TRUE(loaded) << loaded.error().message();
        machine->set_console_sink([this](std::string_view text) { console += text; });
    }

    // What came after the kernel's own messages.
    [[nodiscard]] std::string said() const {
        const std::size_t at = console.find("Run /init");
        return at == std::string::npos ? "(no /init)" : console.substr(at);
    }

    StopEvent run() {
        return machine->run({.max_instructions = 20'000'000'000, .max_host_seconds = 110});
    }

    std::unique_ptr<Machine> machine;
    std::string console;
};

TEST(DebianLinux, RunsAShell) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    DebianGuest guest(kernel, busybox,
                      "for i in 1 2 3 4 5 6; do (for j in 1 2 3; do sh -c \"echo $i.$j\" & done;"
                      " wait) | sort | tr '\\n' ' '; done; echo\n"
                      "sh -c 'trap \"echo caught\" USR1; kill -USR1 $$; kill -SEGV $$'\n"
                      "echo died of $?\n"
                      "echo zeroes $(dd if=/dev/zero bs=1M count=4 2>/dev/null | crc)\n"
                      "sleep 2\n"
                      "date -u +%F\n"
                      "exit 37\n",
                      "console=ttyS0 panic=-1");
    const StopEvent end = guest.run();
    EXPECT_EQ(end.reason, StopReason::GuestExit);
    EXPECT_EQ(end.status, 37U);
    EXPECT_THAT(guest.said(), HasSubstr("1.1 1.2 1.3 2.1 2.2 2.3 3.1"));
    EXPECT_THAT(guest.said(), HasSubstr("caught"));
    EXPECT_THAT(guest.said(), HasSubstr("died of 139"));
    EXPECT_THAT(guest.said(), HasSubstr(crc_line("zeroes", std::string(4 << 20, '\0'))));
    EXPECT_THAT(guest.said(), HasSubstr("2026-01-01"));
    EXPECT_GT(guest.machine->now_ns(), 2'000'000'000U);
}

// Work that all CPUs share, and two runs that are the same.
TEST(DebianLinux, RunsOnSeveralCpus) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const auto boot = [&](unsigned cpus) {
        DebianGuest guest(kernel, busybox,
                          "echo cpus $(grep -c ^processor /proc/cpuinfo)\n"
                          "for i in 1 2 3 4; do (for j in 1 2 3 4 5 6 7 8; do echo $i | gzip -1;"
                          " done | gunzip | wc -l) & done; wait\n"
                          "awk '/LOC|RES|CAL/ {print $1, ($NF != \"\")}' /proc/interrupts\n",
                          "console=ttyS0 panic=-1 mitigations=off", cpus);
        const StopEvent end = guest.run();
        EXPECT_EQ(end.reason, StopReason::GuestExit) << guest.console;
        return std::pair(guest.console, guest.machine->counters());
    };
    for (const unsigned cpus : {2U, 4U}) {
        const auto [console, counters] = boot(cpus);
        EXPECT_THAT(console, HasSubstr(fmt::format("cpus {}\r\n", cpus)));
        EXPECT_THAT(console, HasSubstr("8\r\n8\r\n8\r\n8\r\n"));
        const auto again = boot(cpus);
        EXPECT_EQ(console, again.first);
        EXPECT_EQ(counters, again.second);
    }
}

// The kernel itself is the oracle: what it shows of its symbols and types. Their ends and some of
// the middle, because the guest's own reading is what takes the time.
TEST(DebianLinux, ShowsTheSymbolsAndTypesThatWereFoundInItsImage) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    DebianGuest guest(kernel, busybox,
                      "grep -v '\\[' /proc/kallsyms > /tmp/symbols\n"
                      "echo count $(wc -l < /tmp/symbols)\n"
                      "echo kallsyms $( (head -n 2000 /tmp/symbols; grep vfs_ /tmp/symbols;"
                      " tail -n 2000 /tmp/symbols) | crc)\n"
                      "btf=/sys/kernel/btf/vmlinux\n"
                      "echo size $(wc -c < $btf)\n"
                      "echo btf $( (head -c 50000 $btf; tail -c 50000 $btf) | crc)\n",
                      "console=ttyS0 panic=-1 mitigations=off");
    const StopEvent end = guest.run();
    EXPECT_EQ(end.reason, StopReason::GuestExit);
    const std::vector<Symbol>& all = guest.machine->symbols().all();
    ASSERT_GT(all.size(), 4000U);
    std::string first;
    std::string middle;
    std::string last;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string line = fmt::format("{:016x} {} {}\n", all[i].address.value, all[i].type,
                                             all[i].name);
        first += i < 2000 ? line : "";
        middle += all[i].name.find("vfs_") != std::string::npos ? line : "";
        last += i + 2000 >= all.size() ? line : "";
    }
    EXPECT_THAT(guest.said(), HasSubstr(fmt::format("count {}\r\n", all.size())));
    EXPECT_THAT(guest.said(), HasSubstr(crc_line("kallsyms", first + middle + last)));
    const std::span<const std::byte> btf = guest.machine->kernel_btf();
    const std::string_view types(reinterpret_cast<const char*>(btf.data()), btf.size());
    ASSERT_GT(types.size(), 100'000U);
    std::string ends(types.substr(0, 50'000));
    ends += types.substr(types.size() - 50'000);
    EXPECT_THAT(guest.said(), HasSubstr(fmt::format("size {}\r\n", types.size())));
    EXPECT_THAT(guest.said(), HasSubstr(crc_line("btf", ends)));
}

}  // namespace
}  // namespace trapgate::emu
