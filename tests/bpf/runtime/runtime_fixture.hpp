// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/runtime/runtime.hpp"
#include "emu/boot.hpp"
#include "tests/bpf/runtime/program_text.hpp"

namespace trapgate::bpf::test {

/// A bare machine that can run programs.
class RuntimeTest : public ::testing::Test {
protected:
    RuntimeTest()
        : machine(std::move(*emu::make_bare_machine())),
          runtime(std::make_unique<GuestRuntime>(*machine)) {
        // Above the tables and far from the code: a stack that no program may touch.
        machine->cpu().set_gpr(cpu::Gpr::Rsp, (emu::kBareDirectMap + 0x80000).value);
    }

    std::shared_ptr<Map> map(const MapSpec& spec) {
        Result<std::unique_ptr<Map>> made = make_map(spec, runtime->storage());
        EXPECT_TRUE(made.has_value()) << made.error().message();
        return std::move(*made);
    }
    std::shared_ptr<GuestProgram> load(const VerifiedProgram& program,
                                       std::vector<std::shared_ptr<Map>> maps = {}) {
        auto loaded = runtime->load(program, std::move(maps), "test");
        EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
        return loaded.value_or(nullptr);
    }
    GuestRuntime::TestRun run(const std::shared_ptr<GuestProgram>& program,
                              std::span<const std::byte> context = {}) {
        Result<GuestRuntime::TestRun> ended = runtime->test_run(program, context);
        EXPECT_TRUE(ended.has_value()) << ended.error().message();
        return ended.value_or(GuestRuntime::TestRun{});
    }
    std::uint64_t result_of(const ProgramText& text, std::vector<std::shared_ptr<Map>> maps = {}) {
        return run(load(text.verified(), std::move(maps))).retval;
    }

    std::unique_ptr<emu::Machine> machine;
    std::unique_ptr<GuestRuntime> runtime;
};

}  // namespace trapgate::bpf::test
