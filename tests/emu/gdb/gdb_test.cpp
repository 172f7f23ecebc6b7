// SPDX-License-Identifier: GPL-2.0-only
// Debian's gdb against the server: tests/emu/gdb/NAME.gdb is run, and prints NAME.expected.
// TRAPGATE_REBASE=1 writes what it printed there.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/process.hpp"
#include "emu/boot.hpp"
#include "emu/gdb/server.hpp"

namespace trapgate::emu::gdb {
namespace {

const std::string kMinikernel = TRAPGATE_SHARE_DIR "/minikernel.elf";
const std::filesystem::path kScripts = TRAPGATE_SOURCE_DIR "/tests/emu/gdb";

std::string read_text(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// A guest that waits for gdb at reset, on a thread of its own.
class Debugged {
public:
    explicit Debugged(unsigned cpus = 1) {
        MachineConfig config;
        config.cpus = cpus;
        machine_ = std::move(Machine::create(config).value());
        EXPECT_TRUE(load_boot_image(*machine_, {.kernel = kMinikernel}));
        machine_->set_console_sink([](std::string_view) {});
        const std::string path = fmt::format("/tmp/trapgate-gdb-{}.sock", ::getpid());
        server_ = std::move(Server::create({parse_address("unix:" + path).value(), true}).value());
        server_->set_monitor([](std::string_view line) { return fmt::format("<{}>", line); });
        thread_ = std::thread([this] {
            RunLimits limits;
            limits.max_host_seconds = 60;
            end_ = server_->run(*machine_, limits);
        });
    }
    Debugged(const Debugged&) = delete;
    Debugged& operator=(const Debugged&) = delete;
    ~Debugged() {
        if (thread_.joinable()) {
            machine_->request_stop();
            thread_.join();
        }
    }

    [[nodiscard]] std::string remote() const { return server_->remote(); }
    StopEvent end() {
        thread_.join();
        return end_;
    }
    Machine& machine() { return *machine_; }

private:
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<Server> server_;
    StopEvent end_;
    std::thread thread_;
};

/// What gdb prints for a script.
std::string run_gdb(const Debugged& guest, const std::filesystem::path& script) {
    ProcessOptions options;
    options.folder = TRAPGATE_SOURCE_DIR;
    const Result<ProcessResult> result = run_process({"gdb",
                                                      "-nx",
                                                      "-batch",
                                                      "-ex",
                                                      "set pagination off",
                                                      "-ex",
                                                      "set confirm off",
                                                      "-ex",
                                                      "set width 0",
                                                      "-ex",
                                                      "set print address off",
                                                      "-ex",
                                                      "set print frame-arguments none",
                                                      "-ex",
                                                      "set startup-with-shell off",
                                                      "-ex",
                                                      "set python print-stack none",
                                                      "-ex",
                                                      "set style enabled off",
                                                      "-ex",
                                                      "set debuginfod enabled off",
                                                      "-ex",
                                                      "target remote " + guest.remote(),
                                                      "-x",
                                                      script.string(),
                                                      kMinikernel},
                                                     options);
    if (!result) {
        ADD_FAILURE() << result.error().message();
        return "";
    }
    EXPECT_FALSE(result->timed_out);
    return result->out + result->err;
}

// Line numbers and addresses move with every change to the kernel; what they show does not.
std::string without_places(std::string text) {
    static const std::array<std::pair<const char*, const char*>, 6> kPlaces{{
        {R"((\.[chS]:)\d+)", "$1N"},
        {R"(([Ll]ine )\d+)", "$1N"},
        {R"((^|\n)\d+\t)", "$1N\t"},
        {R"(0xffffffff81[0-9a-f]{6})", "0xADDRESS"},
        {R"(\+\d+>)", "+N>"},
        {R"( \+ \d+ in section)", " + N in section"},
    }};
    for (const auto& [place, replacement] : kPlaces) {
        text = std::regex_replace(text, std::regex(place), replacement);
    }
    return text;
}

void expect_script(const Debugged& guest, const std::string& name) {
    const std::string printed = without_places(run_gdb(guest, kScripts / (name + ".gdb")));
    const std::filesystem::path expected = kScripts / (name + ".expected");
    if (std::getenv("TRAPGATE_REBASE") != nullptr) {
        std::ofstream(expected) << printed;
    }
    EXPECT_EQ(printed, read_text(expected)) << name;
}

class Gdb : public testing::Test {
protected:
    void SetUp() override {
        if (!find_program({"gdb"})) {
            GTEST_SKIP() << "needs gdb (package gdb)";
        }
    }
};

TEST_F(Gdb, DebugsAKernelAtSourceLevel) {
    Debugged guest;
    expect_script(guest, "session");
    const StopEvent end = guest.end();  // Detached: it runs on to its end.
    EXPECT_EQ(end.reason, StopReason::GuestExit);

    const auto plain = Machine::create({}).value();
    ASSERT_TRUE(load_boot_image(*plain, {.kernel = kMinikernel}));
    EXPECT_EQ(plain->run({}).reason, StopReason::GuestExit);
    EXPECT_EQ(guest.machine().counters().instructions, plain->counters().instructions);
    EXPECT_EQ(guest.machine().now(), plain->now());
    EXPECT_EQ(guest.machine().counters().interrupts, plain->counters().interrupts);
}

TEST_F(Gdb, StopsAtAWatchpointOnAVariable) {
    Debugged guest;
    expect_script(guest, "watch");
    EXPECT_EQ(guest.end().reason, StopReason::GuestExit);
}

TEST_F(Gdb, GoesBackToTheWriteThatSetAVariable) {
    Debugged guest;
    expect_script(guest, "reverse");
    EXPECT_EQ(guest.end().reason, StopReason::GuestExit);
}

TEST_F(Gdb, ShowsCpusAsThreads) {
    Debugged guest(2);
    expect_script(guest, "threads");
    EXPECT_EQ(guest.end().reason, StopReason::Requested);  // "kill"
}

TEST_F(Gdb, HearsOfTheEnd) {
    Debugged guest;
    expect_script(guest, "end");
    EXPECT_EQ(guest.end().reason, StopReason::GuestExit);
}

}  // namespace
}  // namespace trapgate::emu::gdb
