// SPDX-License-Identifier: GPL-2.0-only
// The lab "first-boot" walked as students would: who begins has no points, who follows the guide
// has all of them, and wrong answers that are easy to give are answered with the right reason.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "labs/check.hpp"
#include "labs/program_check.hpp"

namespace trapgate::labs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kShare = fs::path(TRAPGATE_BIN_DIR).parent_path() / "share" / "trapgate";
const fs::path kLabs = TRAPGATE_SOURCE_DIR "/labs";

std::string text_of(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
}

class FirstBoot : public testing::Test {
protected:
    void SetUp() override {
        const auto lab = find_lab(kLabs, "first-boot");
        ASSERT_TRUE(lab) << lab.error().message();
        lab_ = *lab;
        const auto started = start_lab(lab_, work_, kShare / "include");
        ASSERT_TRUE(started) << started.error().message();
        EXPECT_EQ(started_lab(work_).value(), "first-boot");
    }

    // The address depends on the compiler that built the kernel: looked up, as a student does.
    std::string address_of(const std::string& symbol) {
        const Bench bench{kShare / "minikernel.elf", lab_.max_instructions, lab_.max_seconds};
        const auto session = bench.boot("");
        const auto found = (*session)->machine().symbols().find(symbol);
        return fmt::format("{:#x}", found->address.value);
    }

    void solve() {
        for (const char* file : {"answers.txt", "probe.txt", "bytes.bpf.c"}) {
            fs::copy(kLabs / "solutions/first-boot" / file, work_ / file,
                     fs::copy_options::overwrite_existing);
        }
        edit("answers.txt", "ADDRESS", address_of("do_sys_openat2"));
    }

    void edit(const std::string& file, const std::string& from, const std::string& to) {
        std::string text = text_of(work_ / file);
        replace(text, from, to);
        std::ofstream(work_ / file) << text;
    }

    LabResult check() {
        auto result = check_lab(lab_, work_, {kShare / "minikernel.elf", kShare / "include"});
        EXPECT_TRUE(result) << result.error().message();
        return result ? *result : LabResult{};
    }

    // All points but those of the one check, whose reason has `reason`.
    void expect_only_wrong(const std::string& name, const std::string& reason) {
        const LabResult result = check();
        for (const CheckResult& one : result.checks) {
            EXPECT_EQ(one.passed(), one.name != name) << one.name << "\n" << one.output;
            if (one.name == name) {
                EXPECT_EQ(one.score, 0);
                EXPECT_THAT(one.output, HasSubstr(reason));
            }
        }
        EXPECT_FALSE(result.passed());
    }

    Lab lab_;
    TemporaryFolder scratch_;
    fs::path work_ = scratch_.path() / "work";
};

TEST_F(FirstBoot, GivesTheStarterNoPoint) {
    const LabResult result = check();
    EXPECT_EQ(result.score(), 0);
    EXPECT_EQ(result.max_score(), 12);
    for (const CheckResult& one : result.checks) {
        EXPECT_NE(one.output, "") << one.name;
    }
}

TEST_F(FirstBoot, GivesTheSolutionAllPoints) {
    solve();
    const LabResult result = check();
    EXPECT_TRUE(result.passed()) << result_text(result);
    EXPECT_THAT(result_text(result), HasSubstr("6 program: OK (3)\nScore: 12/12\n"));
}

TEST_F(FirstBoot, GradesTheSameEachTime) {
    solve();
    edit("answers.txt", "calls = 17", "calls = 18");
    const std::string first = result_json(check());
    EXPECT_EQ(result_json(check()), first);
    const auto document = nlohmann::json::parse(first);
    EXPECT_EQ(document["score"], 10);
    EXPECT_EQ(document["tests"][1]["status"], "failed");
    EXPECT_EQ(document["tests"][1]["max_score"], 2);
}

TEST_F(FirstBoot, KnowsWhoCountedTheDefaultWorkload) {
    solve();
    edit("answers.txt", "calls = 17", "calls = 53");
    expect_only_wrong("2 calls", "without a command line");
}

TEST_F(FirstBoot, KnowsWhoCountedOnlyTheFilesThatExist) {
    solve();
    edit("answers.txt", "calls = 17", "calls = 15");
    expect_only_wrong("2 calls", "Not every file that somebody wants to open exists");
}

TEST_F(FirstBoot, KnowsWhoReadTheWrongRegister) {
    solve();
    edit("answers.txt", "length = 24", "length = 0");
    expect_only_wrong("3 length", "That is RDI");
}

TEST_F(FirstBoot, KnowsWhoForgotThe0x) {
    solve();
    edit("answers.txt", "address = 0x", "address = ");
    expect_only_wrong("1 address", "begin with 0x");
}

TEST_F(FirstBoot, KnowsWhoProbedClose) {
    solve();
    edit("probe.txt", "do_unlinkat", "close_fd");
    expect_only_wrong("5 probe", "counts close(2)");
}

TEST_F(FirstBoot, PassesOnWhatIsWrongWithAProbe) {
    solve();
    edit("probe.txt", "do_unlinkat", "do_unlikat");
    expect_only_wrong("5 probe", "do_unlinkat");
}

TEST_F(FirstBoot, WantsTheProbesName) {
    solve();
    edit("probe.txt", "lab/removed", "lab/gone");
    expect_only_wrong("5 probe", "called lab/gone");
}

TEST_F(FirstBoot, KnowsWhoCountedCalls) {
    solve();
    edit("bytes.bpf.c", "PT_REGS_PARM3(ctx)", "1");
    expect_only_wrong("6 program", "number of calls");
}

TEST_F(FirstBoot, DoesNotTakeANumberForAProgram) {
    solve();
    edit("bytes.bpf.c", "*sum += PT_REGS_PARM3(ctx)", "*sum = 24632");
    expect_only_wrong("6 program", "tasks=5 loops=1");
}

TEST_F(FirstBoot, ShowsTheCompilersErrors) {
    solve();
    edit("bytes.bpf.c", "return 0;", "return 0");
    expect_only_wrong("6 program", "does not compile:\nbytes.bpf.c:");
}

TEST_F(FirstBoot, ShowsTheVerifiersRefusal) {
    solve();
    edit("bytes.bpf.c", "*sum +=", "sum[1] +=");
    expect_only_wrong("6 program", "the verifier refused it");
}

}  // namespace
}  // namespace trapgate::labs
