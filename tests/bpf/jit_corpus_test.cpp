// SPDX-License-Identifier: GPL-2.0-only
// Programs of two public test suites, JITed and run natively with the verifier off.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/bpf/corpus.hpp"
#include "tests/bpf/native_run.hpp"

namespace trapgate::bpf::test {
namespace {

std::uint64_t first_argument(std::uint64_t a, std::uint64_t, std::uint64_t, std::uint64_t,
                             std::uint64_t) {
    return a;
}

/// A call through a register, which Linux has not either.
constexpr std::string_view kNotYet = "callx.data";

std::string reason_of(const Result<std::uint64_t>& r0, std::uint64_t expected) {
    return r0 ? fmt::format("r0 = {:#x}, expected {:#x}", *r0, expected) : r0.error().message();
}

TEST(JitCorpus, RunsAllOfBpfConformance) {
    const std::optional<nlohmann::json> corpus = load_cases("bpf_conformance.json");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    const NativeHelpers helpers{{5, first_argument}};
    std::string wrong;
    std::size_t passed = 0;
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        const auto name = test["name"].get<std::string>();
        std::vector<std::byte> memory = bytes_of(test["mem"].get<std::string>());
        const std::uint64_t expected = std::stoull(test["result"].get<std::string>(), nullptr, 0);
        const auto r1 = memory.empty() ? 0 : reinterpret_cast<std::uint64_t>(memory.data());
        const Result<std::uint64_t> r0 = run_native(unverified(insns_of(test["insns"])), {},
                                                    helpers, r1, memory.size());
        if (r0 && *r0 == expected) {
            ++passed;
        } else if (name == kNotYet && !r0) {
            continue;
        } else {
            wrong += fmt::format("{}: {}\n", name, reason_of(r0, expected));
        }
    }
    RecordProperty("passed", static_cast<int>(passed));
    EXPECT_GE(passed, 312U);
    EXPECT_EQ(wrong, "") << passed
                         << " passed; list: " << write_artifact("bpf_conformance.txt", wrong);
}

TEST(JitCorpus, RunsLinuxTestBpf) {
    const std::optional<nlohmann::json> corpus = load_cases("linux_6.12_test_bpf.json.gz");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    // Some store and load at every distance that an offset can name, both ways from the context.
    constexpr std::ptrdiff_t kContextMiddle = 1 << 16;
    std::vector<std::byte> context(2 * kContextMiddle);
    std::string wrong;
    std::size_t passed = 0;
    std::size_t total = 0;
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        if (test["classic"].get<bool>()) {
            continue;
        }
        ++total;
        const std::vector<Insn> insns = insns_of(test["insns"]);
        for (const nlohmann::json& run : test["tests"]) {
            const std::vector<std::byte> data = bytes_of(test["data"].get<std::string>());
            std::copy(data.begin(), data.end(), context.begin() + kContextMiddle);
            const auto expected = run[1].get<std::uint32_t>();
            const Result<std::uint64_t> r0 = run_native(
                unverified(insns), {}, {},
                reinterpret_cast<std::uint64_t>(context.data() + kContextMiddle));
            if (r0 && static_cast<std::uint32_t>(*r0) == expected) {
                ++passed;
            } else {
                wrong += fmt::format("{}: {}\n", test["name"].get<std::string>(),
                                     reason_of(r0, expected));
            }
        }
    }
    RecordProperty("passed", static_cast<int>(passed));
    EXPECT_EQ(wrong, "") << passed << " passed of " << total
                         << "; list: " << write_artifact("linux_test_bpf.txt", wrong);
}

}  // namespace
}  // namespace trapgate::bpf::test
