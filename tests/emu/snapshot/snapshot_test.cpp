// SPDX-License-Identifier: GPL-2.0-only
// Restoring a snapshot and running equals running: in the same machine, in a new one, and in
// another process.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>

#include "emu/snapshot/machine_state.hpp"
#include "tests/emu/bare_guest.hpp"
#include "tests/emu/snapshot/machines.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;

constexpr std::uint64_t kFar = 200'000'000;

std::filesystem::path scratch_file(const std::string& name) {
    return std::filesystem::temp_directory_path() / fmt::format("trapgate-{}-{}", ::getpid(), name);
}

TEST(Snapshot, RestoringAndRunningEqualsRunning) {
    MiniGuest plain;
    plain.run_to(kFar);
    const std::uint64_t total = plain.machine->counters().instructions;
    const std::string end = portrait(*plain.machine);
    ASSERT_GT(total, 100'000U);
    for (const std::uint64_t point : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2'345},
                                      total / 7, total / 3, total / 2, total - 1000}) {
        SCOPED_TRACE(point);
        MiniGuest guest;
        guest.run_to(point);
        const StatePtr state = guest.machine->save();
        EXPECT_EQ(state->place.instructions, point);
        const std::size_t said = guest.console.size();
        guest.run_to(kFar);
        EXPECT_EQ(portrait(*guest.machine), end);
        EXPECT_EQ(guest.console, plain.console);

        ASSERT_TRUE(guest.machine->restore(*state));
        guest.console.resize(said);
        guest.run_to(kFar);
        EXPECT_EQ(portrait(*guest.machine), end);
        EXPECT_EQ(guest.console, plain.console);

        MiniGuest other;
        ASSERT_TRUE(other.machine->restore(*state));
        other.run_to(kFar);
        EXPECT_EQ(portrait(*other.machine), end);
        EXPECT_EQ(other.console, plain.console.substr(said));
        EXPECT_TRUE(alike(*other.machine, *guest.machine));
    }
}

TEST(Snapshot, SavingChangesNothing) {
    MiniGuest saved;
    MiniGuest unsaved;
    for (std::uint64_t n = 50'000;; n += 50'000) {
        const StopReason reason = saved.run_to(n).reason;
        const StatePtr state = saved.machine->save();
        EXPECT_TRUE(complete(*saved.machine, *state)) << n;
        EXPECT_EQ(unsaved.run_to(n).reason, reason);
        if (reason != StopReason::InsnLimit) {
            break;
        }
    }
    EXPECT_EQ(saved.console, unsaved.console);
    EXPECT_EQ(saved.machine->counters(), unsaved.machine->counters());
    EXPECT_TRUE(alike(*saved.machine, *unsaved.machine));
}

TEST(Snapshot, SharesWhatDidNotChange) {
    MiniGuest guest;
    guest.run_to(100'000);
    const StatePtr first = guest.machine->save();
    const StatePtr again = guest.machine->save();
    EXPECT_EQ(bytes_apart_from(*again, first.get()), 0U);
    guest.run_to(100'100);
    const StatePtr later = guest.machine->save();
    EXPECT_LT(bytes_apart_from(*later, first.get()), 64U << 10);
    // Zeroes cost nothing.
    EXPECT_LT(bytes_apart_from(*first, nullptr), 8U << 20);
}

TEST(Snapshot, SavesTheGuestsOwnBytesWhereTheHostPlanted) {
    // inc rbx; inc rbx; exit
    BareGuest guest(code_of({{0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3}, kExit}));
    Machine& machine = *guest.machine;
    const GuestVa second = BareGuest::kCode + 3;
    guest.run(0);
    const StatePtr clean = machine.save();
    int hits = 0;
    ASSERT_TRUE(machine.plant(second, [&](Machine& m) {
        ++hits;
        m.cpu().set_gpr(Gpr::Rbx, 40);
        m.cpu().set_rip(second + 3);
    }));
    const StatePtr planted = machine.save();
    EXPECT_EQ(bytes_apart_from(*planted, clean.get()), 0U);
    guest.run();
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 40U);
    // It is planted still, and again.
    ASSERT_TRUE(machine.restore(*clean));
    guest.run();
    EXPECT_EQ(hits, 2);
    machine.unplant(second);
    ASSERT_TRUE(machine.restore(*planted));
    guest.run();
    EXPECT_EQ(hits, 2);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 2U);
}

TEST(Snapshot, BringsBackCodeThatWasOverwritten) {
    // add rbx, 1; mov byte [rip - 2 - 6 - 4 + ...]: here by the host instead. jmp back
    BareGuest guest({0x48, 0x83, 0xc3, 0x01, 0xeb, 0xfa});
    Machine& machine = *guest.machine;
    guest.run(100);
    const StatePtr adds_one = machine.save();
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 50U);
    const std::array<std::byte, 1> two{std::byte{2}};
    ASSERT_TRUE(machine.write(BareGuest::kCode + 3, two));
    guest.run(200);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 150U);
    const StatePtr adds_two = machine.save();
    ASSERT_TRUE(machine.restore(*adds_one));
    guest.run(200);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 100U);
    ASSERT_TRUE(machine.restore(*adds_two));
    guest.run(300);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 250U);
}

TEST(Snapshot, KeepsRandomNumbersAndDebugRegisters) {
    // loop: rdrand rax; mov rdx, rax; jmp loop
    BareGuest guest({0x48, 0x0f, 0xc7, 0xf0, 0x48, 0x89, 0xc2, 0xeb, 0xf7});
    guest.run(30);
    const StatePtr state = guest.machine->save();
    guest.run(60);
    const std::uint64_t drawn = guest.gpr(Gpr::Rdx);
    ASSERT_TRUE(guest.machine->restore(*state));
    guest.run(60);
    EXPECT_EQ(guest.gpr(Gpr::Rdx), drawn);
}

TEST(Snapshot, RestoresWindowDataOfBlocksThatLive) {
    BareGuest guest({0xeb, 0xfe});
    Machine& machine = *guest.machine;
    const WindowBlock old = machine.window().allocate_data(kPageBytes).value();
    old.host[0] = std::byte{1};
    const StatePtr state = machine.save();
    const WindowBlock young = machine.window().allocate_data(kPageBytes).value();
    old.host[0] = std::byte{2};
    young.host[0] = std::byte{3};
    ASSERT_TRUE(machine.restore(*state));
    EXPECT_EQ(old.host[0], std::byte{1});
    EXPECT_EQ(young.host[0], std::byte{3});

    // In a machine whose window is empty, what was allocated stays so.
    BareGuest other({0xeb, 0xfe});
    ASSERT_TRUE(other.machine->restore(*state));
    EXPECT_EQ(other.machine->memory().read<std::uint8_t>(old.pa), 1U);
    EXPECT_NE(other.machine->window().allocate_data(kPageBytes).value().pa, old.pa);
}

TEST(Snapshot, StopsAndRestoresWhileTheCpuSleeps) {
    // sti; hlt; inc rbx; jmp to hlt, with a timer at 100 Hz: mov al,0x34; out 0x43; ...
    const std::vector<std::uint8_t> code = code_of({out_byte(0x20, 0x11),
                                                    out_byte(0x21, 0x20),
                                                    out_byte(0x21, 4),
                                                    out_byte(0x21, 1),
                                                    out_byte(0x21, 0xfe),
                                                    out_byte(0x43, 0x34),
                                                    out_byte(0x40, 0x9c),
                                                    out_byte(0x40, 0x2e),
                                                    {0xfb, 0xf4, 0x48, 0xff, 0xc3, 0xeb, 0xfa}});
    // push rax; mov al, 0x20; out 0x20, al; pop rax; iretq
    const std::vector<std::uint8_t> handler{0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0x48, 0xcf};
    BareGuest guest(code);
    guest.set_handler(0x20, handler);
    RunLimits limits;
    limits.max_cycles = Cycles{123'456'789};  // in the middle of a sleep
    EXPECT_EQ(guest.machine->run(limits).reason, StopReason::CycleLimit);
    EXPECT_EQ(guest.machine->now(), limits.max_cycles);
    const StatePtr asleep = guest.machine->save();
    const std::uint64_t ticks = guest.gpr(Gpr::Rbx);
    EXPECT_EQ(ticks, 12U);
    limits.max_cycles = Cycles{1'000'000'000};
    guest.machine->run(limits);
    const std::string end = portrait(*guest.machine);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 99U);
    ASSERT_TRUE(guest.machine->restore(*asleep));
    EXPECT_EQ(guest.gpr(Gpr::Rbx), ticks);
    guest.machine->run(limits);
    EXPECT_EQ(portrait(*guest.machine), end);
    BareGuest through(code);
    through.set_handler(0x20, handler);
    through.machine->run(limits);
    EXPECT_EQ(portrait(*through.machine), end);
}

// --- Files ---------------------------------------------------------------------------------------

TEST(SnapshotFile, GoesThroughAFile) {
    MiniGuest guest;
    guest.run_to(120'000);
    const StatePtr state = guest.machine->save();
    const std::filesystem::path path = scratch_file("state");
    ASSERT_TRUE(write_state(*state, path));
    const Result<StatePtr> read = read_state(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ((*read)->parts, state->parts);
    EXPECT_EQ((*read)->identity, state->identity);
    EXPECT_EQ((*read)->place, state->place);
    MiniGuest other;
    ASSERT_TRUE(other.machine->restore(**read));
    EXPECT_TRUE(alike(*guest.machine, *other.machine));
}

constexpr const char* kChildFile = "TRAPGATE_TEST_STATE";
constexpr const char* kChildCpus = "TRAPGATE_TEST_CPUS";

// The other process of the test below.
TEST(SnapshotFile, ChildProcess) {
    const char* const path = std::getenv(kChildFile);
    if (path == nullptr) {
        GTEST_SKIP() << "runs in a process of its own";
    }
    MiniGuest guest("", 32U << 20, static_cast<unsigned>(std::atoi(std::getenv(kChildCpus))));
    const Result<StatePtr> state = read_state(path);
    ASSERT_TRUE(state) << state.error().message();
    ASSERT_TRUE(guest.machine->restore(**state));
    guest.run_to(kFar);
    std::ofstream(std::string(path) + ".end") << portrait(*guest.machine) << guest.console;
}

class SnapshotOfCpus : public testing::TestWithParam<unsigned> {};

TEST_P(SnapshotOfCpus, RunsOnInAnotherProcess) {
    MiniGuest guest("", 32U << 20, GetParam());
    guest.run_to(150'000);
    const std::filesystem::path path = scratch_file("state-for-child");
    ASSERT_TRUE(write_state(*guest.machine->save(), path));
    const std::size_t said = guest.console.size();
    guest.run_to(kFar);

    std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    std::string filter = "--gtest_filter=SnapshotFile.ChildProcess";
    std::string brief = "--gtest_brief=1";
    std::string variable = fmt::format("{}={}", kChildFile, path.string());
    std::array<char*, 4> arguments{program.data(), filter.data(), brief.data(), nullptr};
    std::string cpus = fmt::format("{}={}", kChildCpus, GetParam());
    std::vector<char*> environment{variable.data(), cpus.data()};
    for (char** one = environ; *one != nullptr; ++one) {
        environment.push_back(*one);
    }
    environment.push_back(nullptr);
    pid_t child = 0;
    ASSERT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(),
                            environment.data()),
              0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    std::ifstream file(path.string() + ".end");
    const std::string end((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_EQ(end, portrait(*guest.machine) + guest.console.substr(said));
    std::filesystem::remove(path);
    std::filesystem::remove(path.string() + ".end");
}

INSTANTIATE_TEST_SUITE_P(Of, SnapshotOfCpus, testing::Values(1U, 2U, 4U),
                         testing::PrintToStringParamName());

TEST(SnapshotFile, RefusesWhatIsNotWhole) {
    MiniGuest guest;
    guest.run_to(1000);
    const std::vector<std::byte> file = encode_state(*guest.machine->save());
    ASSERT_TRUE(decode_state(file, "whole"));
    EXPECT_EQ(decode_state({}, "f").error().what, "not a saved state");
    EXPECT_EQ(
        decode_state(std::as_bytes(std::span("#!/bin/sh\necho hello\n", 21)), "f").error().what,
        "not a saved state");
    for (const std::size_t length :
         {std::size_t{17}, std::size_t{30}, file.size() / 2, file.size() - 1}) {
        const auto cut = decode_state(std::span(file).first(length), "f");
        ASSERT_FALSE(cut);
        EXPECT_EQ(cut.error().what, "the saved state is cut short");
        EXPECT_EQ(cut.error().where, "f");
        EXPECT_FALSE(cut.error().hint.empty());
    }
    std::vector<std::byte> damaged = file;
    damaged[file.size() / 2] ^= std::byte{1};
    EXPECT_EQ(decode_state(damaged, "f").error().what,
              "the saved state is damaged: its checksum is wrong");
    EXPECT_FALSE(read_state("/nonexistent/state"));
}

TEST(SnapshotFile, RefusesAStateOfAnotherMachine) {
    MiniGuest guest;
    guest.run_to(1000);
    const StatePtr state = guest.machine->save();
    const auto refused = [&](MiniGuest& other) {
        const std::string before = portrait(*other.machine);
        const Result<void> restored = other.machine->restore(*state, FutureInput::Forget,
                                                             "it.state");
        EXPECT_FALSE(restored);
        EXPECT_EQ(portrait(*other.machine), before);
        return restored ? Error{} : restored.error();
    };
    MiniGuest bigger("", 64U << 20);
    EXPECT_EQ(refused(bigger).what, "it is of a machine with 32 MiB of RAM, this one has 64");
    EXPECT_EQ(refused(bigger).where, "it.state");
    EXPECT_EQ(refused(bigger).hint, "--mem 32M");
    MiniGuest two("", 32U << 20, 2);
    EXPECT_EQ(refused(two).what, "it is of a machine with 1 CPUs, this one has 2");
    MiniGuest otherwise("quiet");
    EXPECT_EQ(refused(otherwise).what.substr(0, 22), "it is of another image");
}

TEST(SnapshotFile, RefusesPartsThatNoMachineHas) {
    MiniGuest guest;
    guest.run_to(1000);
    const StatePtr good = guest.machine->save();
    const std::string before = portrait(*guest.machine);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good->parts.size(); at += 7) {
        MachineState bad = *good;
        bad.parts.resize(at);
        const Result<void> restored = guest.machine->restore(bad);
        ASSERT_FALSE(restored);
        refused += restored.error().where.empty() ? 0 : 1;
    }
    EXPECT_GT(refused, 100U);
    EXPECT_EQ(portrait(*guest.machine), before);
    EXPECT_EQ(guest.machine->save()->parts, good->parts);
}

}  // namespace
}  // namespace trapgate::emu
