// SPDX-License-Identifier: GPL-2.0-only
// Each use in busybox_uses.txt runs in a shell of its own, three times: on the host's busybox, on
// the minikernel, and on Debian's kernel in the same machine. What it prints and its status must be
// the same each time, but for those that the file says are not for the host.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "base/process.hpp"
#include "emu/boot.hpp"
#include "emu/loader/cpio.hpp"
#include "tests/emu/loader/linux_files.hpp"
#include "tests/roms/elf_file.hpp"

namespace trapgate::roms {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBusybox = "/bin/busybox";  // the one that the initramfs was made from

struct Use {
    std::string name;
    bool for_host = true;
    std::string script;
};

std::vector<Use> read_uses() {
    std::ifstream file(std::string(TRAPGATE_SOURCE_DIR) + "/tests/roms/busybox_uses.txt");
    std::vector<Use> uses;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("== ")) {
            const std::size_t bracket = line.find(" [not on the host: ");
            uses.push_back({line.substr(3, bracket - 3), bracket == std::string::npos, ""});
        } else if (!uses.empty()) {
            uses.back().script += line + "\n";
        }
    }
    return uses;
}

std::string file_name(std::size_t number) { return fmt::format("{:03}", number); }

// Runs each file of uses/ in an empty folder beside it.
constexpr const char* kDriver =
    "for f in uses/[0-9]*; do echo \"== ${f##*/}\"; mkdir w; cd w; "
    "sh ../$f < /dev/null 2> /dev/null; echo \"status $?\"; cd ..; rm -rf w; done";

// What each use printed, by its file's name.
std::map<std::string, std::string> split(const std::string& output) {
    std::map<std::string, std::string> parts;
    for (std::size_t at = output.find("== "); at != std::string::npos;) {
        const std::size_t next = output.find("\n== ", at);
        const std::size_t end = next == std::string::npos ? output.size() : next + 1;
        parts[output.substr(at + 3, 3)] = output.substr(at + 7, end - at - 7);
        at = next == std::string::npos ? next : next + 1;
    }
    return parts;
}

std::map<std::string, std::string> run_on_host(const std::vector<Use>& uses) {
    std::string name = (fs::temp_directory_path() / "trapgate-uses-XXXXXX").string();
    const fs::path folder = ::mkdtemp(name.data());
    fs::create_directories(folder / "bin");
    fs::create_directories(folder / "uses");
    for (std::size_t i = 0; i < uses.size(); ++i) {
        if (uses[i].for_host) {
            std::ofstream(folder / "uses" / file_name(i)) << uses[i].script;
        }
    }
    const std::string script = fmt::format("cd {0}; PATH={0}/bin; {1} --install -s bin; {2}",
                                           folder.string(), kBusybox, kDriver);
    const Result<ProcessResult> result = run_process({kBusybox, "sh", "-c", script}, {});
    EXPECT_TRUE(result) << result.error().message();
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    return result ? split(result->out) : std::map<std::string, std::string>();
}

std::map<std::string, std::string> run_in_guest(const std::vector<Use>& uses,
                                                const fs::path& kernel) {
    emu::CpioWriter writer;
    const std::string command = fmt::format("cd /tmp; {{ {}; }} | cat", kDriver);
    writer.add_file("/trapgate/command", std::as_bytes(std::span(command)));
    for (std::size_t i = 0; i < uses.size(); ++i) {
        writer.add_file("/tmp/uses/" + file_name(i), std::as_bytes(std::span(uses[i].script)));
    }
    std::string console;
    const auto machine = std::move(*emu::Machine::create({}));
    machine->set_console_sink([&](std::string_view text) { console += text; });
    const Result<void> loaded = emu::load_boot_image(
        *machine, {.kernel = kernel,
                   .command_line = "console=ttyS0 panic=-1 loglevel=3",
                   .initrd = guest_image("initramfs.cpio"),
                   .initrd_overlay = writer.finish()});
    EXPECT_TRUE(loaded) << loaded.error().message();
    const emu::StopEvent stop = machine->run({.max_instructions = 20'000'000'000});
    EXPECT_EQ(stop.reason, emu::StopReason::GuestExit) << console;
    EXPECT_EQ(stop.status, 0U);
    return split(console);
}

const std::map<std::string, std::string>& on_minikernel() {
    static const std::map<std::string, std::string> kOutput = run_in_guest(
        read_uses(), guest_image("minikernel.elf"));
    return kOutput;
}

TEST(BusyboxUses, AreManyAndMostAreComparedWithTheHost) {
    const std::vector<Use> uses = read_uses();
    EXPECT_GE(uses.size(), 80U);
    EXPECT_GE(std::ranges::count_if(uses, &Use::for_host), 75);
}

TEST(BusyboxUses, PrintTheSameOnTheMinikernelAsOnTheHost) {
    const std::vector<Use> uses = read_uses();
    std::map<std::string, std::string> host = run_on_host(uses);
    for (std::size_t i = 0; i < uses.size(); ++i) {
        const std::string file = file_name(i);
        ASSERT_TRUE(on_minikernel().contains(file)) << uses[i].name;
        if (uses[i].for_host) {
            EXPECT_EQ(on_minikernel().at(file), host[file]) << uses[i].name << "\n"
                                                            << uses[i].script;
        }
    }
}

TEST(BusyboxUses, PrintTheSameOnTheMinikernelAsOnDebiansKernel) {
    TRAPGATE_NEEDS_LINUX_FILE(kernel, "vmlinuz");
    const std::vector<Use> uses = read_uses();
    std::map<std::string, std::string> debian = run_in_guest(uses, kernel);
    for (std::size_t i = 0; i < uses.size(); ++i) {
        EXPECT_EQ(on_minikernel().at(file_name(i)), debian[file_name(i)]) << uses[i].name << "\n"
                                                                          << uses[i].script;
    }
}

}  // namespace
}  // namespace trapgate::roms
