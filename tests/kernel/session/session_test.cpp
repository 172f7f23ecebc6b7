// SPDX-License-Identifier: GPL-2.0-only
// The whole path: boot a kernel, probe a function, run a BPF program that clang compiled on the
// guest CPU, and read its map and ring. The numbers are exact because the machine is.
#include "kernel/session/session.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate::kernel {
namespace {

const std::filesystem::path kShare = TRAPGATE_SHARE_DIR;

SessionConfig minikernel(const std::vector<std::string>& objects = {}) {
    SessionConfig config;
    config.image.kernel = kShare / "minikernel.elf";
    for (const std::string& object : objects) {
        config.objects.push_back(kShare / object);
    }
    return config;
}

/// One run to the end, with all that came out of it.
struct Outcome {
    emu::StopEvent stop;
    SnapshotPtr end;
    std::string console;
    std::vector<RingRecord> records;
};

Outcome run_to_end(const SessionConfig& config) {
    Outcome outcome;
    Result<std::unique_ptr<Session>> session = Session::create(config);
    if (!session) {
        ADD_FAILURE() << session.error().message();
        outcome.end = std::make_shared<SessionSnapshot>();
        return outcome;
    }
    SessionEvents events;
    events.record = [&](const std::string&, const RingRecord& record) {
        outcome.records.push_back(record);
    };
    (*session)->set_events(std::move(events));
    outcome.stop = (*session)->run({});
    outcome.end = (*session)->snapshot();
    outcome.console = outcome.end->console;
    return outcome;
}

constexpr std::uint64_t kOpens = 53;  // roms/minikernel/README.md: calls of do_sys_openat2

TEST(Session, ProbesRunACompiledProgramInTheGuestWithExactResults) {
    const Outcome run = run_to_end(minikernel({"open_counter.bpf.o"}));
    EXPECT_EQ(run.stop.reason, emu::StopReason::GuestExit);
    EXPECT_EQ(run.stop.status, 0U);
    ASSERT_EQ(run.end->probes.size(), 1U);
    EXPECT_EQ(run.end->probes[0].hits, kOpens);
    EXPECT_EQ(run.end->probes[0].missed, 0U);
    EXPECT_EQ(run.end->probes[0].program, "count_open");

    ASSERT_EQ(run.end->maps.size(), 1U);
    ASSERT_EQ(run.end->maps[0].elements.size(), 1U);
    const std::vector<std::byte>& value = run.end->maps[0].elements[0].value;
    EXPECT_EQ(value[0], std::byte{kOpens});
    EXPECT_EQ(run.end->maps[0].elements[0].value_text, "(__u64)53");

    ASSERT_EQ(run.records.size(), kOpens);
    std::uint64_t last_time = 0;
    for (std::size_t i = 0; i < run.records.size(); ++i) {
        ASSERT_EQ(run.records[i].bytes.size(), 32U);
        std::uint64_t time = 0;
        std::uint32_t sequence = 0;
        std::memcpy(&time, run.records[i].bytes.data(), 8);
        std::memcpy(&sequence, run.records[i].bytes.data() + 8, 4);
        EXPECT_EQ(sequence, i + 1);
        EXPECT_GT(time, last_time);
        last_time = time;
    }
    EXPECT_EQ(run.end->rings[0].dropped, 0U);
}

TEST(Session, TwentyRunsAreTheSameRun) {
    const SessionConfig config = minikernel({"open_counter.bpf.o"});
    const Outcome first = run_to_end(config);
    for (int i = 1; i < 20; ++i) {
        const Outcome again = run_to_end(config);
        EXPECT_EQ(again.stop, first.stop);
        EXPECT_EQ(again.end->counters, first.end->counters);
        EXPECT_EQ(again.end->registers, first.end->registers);
        EXPECT_EQ(again.console, first.console);
        ASSERT_EQ(again.records.size(), first.records.size());
        for (std::size_t r = 0; r < first.records.size(); ++r) {
            EXPECT_EQ(again.records[r].bytes, first.records[r].bytes);
        }
    }
}

TEST(Session, AProbedGuestSaysWhatAnUnprobedOneSays) {
    const Outcome plain = run_to_end(minikernel());
    const Outcome probed = run_to_end(minikernel({"open_counter.bpf.o", "open_names.bpf.o"}));
    EXPECT_EQ(probed.console, plain.console);
    EXPECT_EQ(probed.stop, plain.stop);
    EXPECT_GT(probed.end->counters.instructions, plain.end->counters.instructions);
    EXPECT_EQ(probed.end->rings.size(), 2U);
}

TEST(Session, CuttingARunIntoPiecesChangesNothing) {
    const SessionConfig config = minikernel({"open_counter.bpf.o"});
    const Outcome whole = run_to_end(config);
    Result<std::unique_ptr<Session>> session = Session::create(config);
    ASSERT_TRUE(session);
    emu::StopEvent stop;
    emu::RunLimits limits;
    limits.max_instructions = 0;
    do {
        limits.max_instructions += 777;
        stop = (*session)->run(limits);
    } while (stop.reason == emu::StopReason::InsnLimit);
    const SnapshotPtr end = (*session)->snapshot();
    EXPECT_EQ(end->counters.instructions, whole.end->counters.instructions);
    EXPECT_EQ(end->counters.cycles, whole.end->counters.cycles);
    EXPECT_EQ(end->registers, whole.end->registers);
    EXPECT_EQ(end->console, whole.console);
    EXPECT_EQ(end->maps[0].elements[0].value, whole.end->maps[0].elements[0].value);
}

TEST(Session, ASnapshotSaysWhyTheLastRunStopped) {
    Result<std::unique_ptr<Session>> session = Session::create(minikernel());
    ASSERT_TRUE(session) << session.error().message();
    const emu::StopEvent stop = (*session)->run({.max_instructions = 1'000'000});
    EXPECT_EQ(stop.reason, emu::StopReason::InsnLimit);
    EXPECT_EQ((*session)->snapshot()->stop, stop);
    EXPECT_FALSE((*session)->snapshot()->ended);
}

TEST(Session, NamesTheNearestSymbolsForAnUnknownOne) {
    SessionConfig config = minikernel();
    config.probes = {"do_sys_opnat2"};
    const Result<std::unique_ptr<Session>> session = Session::create(config);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().linux_errno, EINVAL);  // As writing to kprobe_events.
    EXPECT_NE(session.error().hint.find("do_sys_openat2"), std::string::npos)
        << session.error().message();
}

TEST(Session, RefusesWhatIsNotAKernel) {
    SessionConfig config;
    config.image.kernel = kShare / "open_counter.bpf.o";
    const Result<std::unique_ptr<Session>> session = Session::create(config);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().what, "not an x86-64 image");
    config.image.kernel = "/nonexistent/vmlinux";
    EXPECT_EQ(Session::create(config).error().linux_errno, ENOENT);
}

TEST(Session, ReportsHowAGuestFails) {
    SessionConfig config = minikernel();
    config.image.command_line = "panic";
    EXPECT_EQ(run_to_end(config).stop.reason, emu::StopReason::Panic);
    config.image.command_line = "triplefault";
    EXPECT_EQ(run_to_end(config).stop.reason, emu::StopReason::TripleFault);
}

}  // namespace
}  // namespace trapgate::kernel
