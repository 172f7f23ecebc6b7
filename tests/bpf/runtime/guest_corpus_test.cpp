// SPDX-License-Identifier: GPL-2.0-only
// JIT in the guest = the expected result (= JIT on the host, tests/bpf/jit_corpus_test.cpp): two
// public suites, verifier off.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "tests/bpf/corpus.hpp"
#include "tests/bpf/native_run.hpp"
#include "tests/bpf/runtime/runtime_fixture.hpp"

namespace trapgate::bpf {
namespace {

using namespace test;

class GuestCorpus : public RuntimeTest {
protected:
    Result<std::uint64_t> run_in_guest(const std::vector<Insn>& insns,
                                       std::span<const std::byte> memory) {
        return runtime->load(unverified(insns), {}, "case")
            .and_then([&](const std::shared_ptr<GuestProgram>& program) {
                return runtime->test_run(program, memory, 10'000'000);
            })
            .map([](const GuestRuntime::TestRun& ended) { return ended.retval; });
    }
};

/// These call functions of the suite's own by helper number; here the numbers are Linux's. One is a
/// call through a register.
bool calls_foreign_helper(const std::vector<Insn>& insns) {
    return std::ranges::any_of(insns, [](const Insn& insn) {
        return insn.is_helper_call() || insn.opcode == (BPF_JMP | BPF_CALL | BPF_X);
    });
}

TEST_F(GuestCorpus, RunsBpfConformance) {
    const std::optional<nlohmann::json> corpus = load_cases("bpf_conformance.json");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    std::string wrong;
    int passed = 0;
    int foreign = 0;
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        const std::vector<Insn> insns = insns_of(test["insns"]);
        if (calls_foreign_helper(insns)) {
            ++foreign;
            continue;
        }
        const std::uint64_t expected = std::stoull(test["result"].get<std::string>(), nullptr, 0);
        const Result<std::uint64_t> r0 = run_in_guest(insns,
                                                      bytes_of(test["mem"].get<std::string>()));
        if (r0 && *r0 == expected) {
            ++passed;
        } else {
            wrong += fmt::format(
                "{}: {}\n", test["name"].get<std::string>(),
                r0 ? fmt::format("r0 = {:#x}, not {:#x}", *r0, expected) : r0.error().message());
        }
    }
    RecordProperty("passed", passed);
    RecordProperty("foreign", foreign);
    EXPECT_EQ(wrong, "") << passed << " passed";
    EXPECT_EQ(passed + foreign, 313);
    EXPECT_LE(foreign, 12);
}

TEST_F(GuestCorpus, RunsLinuxTestBpf) {
    const std::optional<nlohmann::json> corpus = load_cases("linux_6.12_test_bpf.json.gz");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    std::string wrong;
    int passed = 0;
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        if (test["classic"].get<bool>()) {
            continue;
        }
        std::vector<std::byte> data = bytes_of(test["data"].get<std::string>());
        data.resize(65536);  // some cases load at the largest offset there is
        for (const nlohmann::json& run : test["tests"]) {
            const auto expected = run[1].get<std::uint32_t>();
            const Result<std::uint64_t> r0 = run_in_guest(insns_of(test["insns"]), data);
            if (r0 && static_cast<std::uint32_t>(*r0) == expected) {
                ++passed;
            } else {
                wrong += fmt::format("{}: {}\n", test["name"].get<std::string>(),
                                     r0 ? fmt::format("r0 = {:#x}, not {:#x}", *r0, expected)
                                        : r0.error().message());
            }
        }
    }
    RecordProperty("passed", passed);
    EXPECT_EQ(wrong, "") << passed << " passed";
    EXPECT_EQ(passed, 765);
}

}  // namespace
}  // namespace trapgate::bpf
