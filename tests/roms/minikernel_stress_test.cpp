// SPDX-License-Identifier: GPL-2.0-only
// Programs of ours (roms/user) that ask a lot of the minikernel and know what must come out.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kFarEnough = 20'000'000'000;

class StressPart : public testing::TestWithParam<const char*> {};

TEST_P(StressPart, GivesItsKnownAnswer) {
    const Ran ran = run_program("stress", {GetParam(), "1000"}, {.max_instructions = kFarEnough});
    EXPECT_EQ(ran.stop.reason, emu::StopReason::GuestExit);
    EXPECT_EQ(ran.stop.status, 0U);
    EXPECT_EQ(ran.console, std::string(GetParam()) + ": pass\n");
}

INSTANTIATE_TEST_SUITE_P(All, StressPart,
                         testing::Values("fork", "file", "pipe", "fault", "syscall", "signal",
                                         "futex"),
                         [](const auto& one) { return std::string(one.param); });

class Stress : public testing::TestWithParam<unsigned> {};

// All parts at the same time, and what they had of memory is given back. Twice: the same.
TEST_P(Stress, GivesRightAnswersAndAllMemoryBackEachTime) {
    const ShellOptions options{.cpus = GetParam(), .max_instructions = kFarEnough};
    const Ran first = run_program("stress", {"100000"}, options);
    EXPECT_EQ(first.stop.status, 0U);
    EXPECT_EQ(first.console, "stress: 100000 operations, 0 kB more in use: pass\n");
    const Ran again = run_program("stress", {"100000"}, options);
    EXPECT_EQ(again.console, first.console);
    EXPECT_EQ(again.instructions, first.instructions);
}

INSTANTIATE_TEST_SUITE_P(Cpus, Stress, testing::Values(1U, 4U),
                         [](const auto& one) { return std::to_string(one.param); });

struct Fuzzing {
    unsigned cpus;
    std::string seed;
};

class SystemCallFuzzer : public testing::TestWithParam<Fuzzing> {};

// A million calls take a minute or two: `trapgate run -- share/trapgate/fuzz 1000000 SEED`.
TEST_P(SystemCallFuzzer, FindsTheKernelAtTheEnd) {
    const Ran ran = run_program("fuzz", {"20000", GetParam().seed},
                                {.cpus = GetParam().cpus, .max_instructions = kFarEnough});
    EXPECT_EQ(ran.stop.reason, emu::StopReason::GuestExit) << ran.console;
    EXPECT_EQ(ran.stop.status, 0U) << ran.console;
    EXPECT_THAT(ran.console, HasSubstr(" calls, the kernel is there"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, SystemCallFuzzer,
                         testing::Values(Fuzzing{1, "1"}, Fuzzing{1, "2"}, Fuzzing{4, "3"}),
                         [](const auto& one) {
                             return fmt::format("Seed{}On{}", one.param.seed, one.param.cpus);
                         });

}  // namespace
}  // namespace trapgate::roms
