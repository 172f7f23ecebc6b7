// SPDX-License-Identifier: GPL-2.0-only
// The definitions that Linux's own test suite wants refused, with the code and the caret of each.
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "tests/kernel/events/fake_kernel.hpp"

namespace trapgate::kernel {
namespace {

// The file's own notes behind a code, and one slip of the pen.
std::string code_of(const std::string& error) {
    const std::string code = error.substr(0, error.find_first_of(" ?"));
    return code == "ARG_NAME_TOO_LOG" ? "ARG_NAME_TOO_LONG" : code;
}

struct Outcome {
    std::string code;
    std::size_t caret = 0;
    std::string command;
};

// From the error as a user sees it.
Outcome refuse(const std::string& command, bool with_btf) {
    const test::FakeFacts facts(with_btf);
    test::FakeBackend backend;
    ProbeEvents events(facts, backend);
    EXPECT_TRUE(events.command("p:kprobes/testevent kernel_clone abcd=\\1"));
    const Result<void> done = events.command(command);
    if (done) {
        return {"accepted", 0, {}};
    }
    EXPECT_FALSE(done.error().hint.empty()) << command;
    const std::string& what = done.error().what;
    const std::size_t second = what.find('\n');
    const std::size_t third = what.find('\n', second + 1);
    const std::size_t open = what.rfind('(', second);
    constexpr std::size_t kPrefix = std::string_view("  Command: ").size();
    EXPECT_TRUE(what.starts_with("trace_kprobe: error: ")) << what;
    EXPECT_TRUE(what.substr(second + 1).starts_with("  Command: ")) << what;
    return {what.substr(open + 1, second - open - 2), what.size() - third - 2 - kPrefix,
            what.substr(second + 1 + kPrefix, third - second - 1 - kPrefix)};
}

TEST(ProbeDefinitionErrors, AreLinuxsCodesAndCaretsInAllOfItsCases) {
    const char* root = std::getenv("TRAPGATE_CASES");
    if (root == nullptr || *root == '\0') {
        GTEST_SKIP() << "TRAPGATE_CASES is not set";
    }
    const auto bytes = read_file(std::string(root) + "/bpf/kprobe_events_syntax_errors.json");
    ASSERT_TRUE(bytes) << bytes.error().message();
    const auto file = nlohmann::json::parse(
        std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
    ASSERT_EQ(file["cases"].size(), 58U);
    for (const auto& entry : file["cases"]) {
        std::string command = entry["cmd"];
        std::size_t caret = entry["caret"];
        // The function that Linux's test probes has another name in each kernel.
        constexpr std::string_view kVariable = "$FUNCTION_FORK";
        constexpr std::string_view kFunction = "kernel_clone";
        if (const std::size_t at = command.find(kVariable); at != std::string::npos) {
            command.replace(at, kVariable.size(), kFunction);
            caret -= caret > at ? kVariable.size() - kFunction.size() : 0;
        }
        const std::string code = code_of(entry["error"]);
        const Outcome outcome = refuse(command, code != "NOSUP_BTFARG");
        EXPECT_EQ(outcome.code, code) << command;
        EXPECT_EQ(outcome.caret, caret) << command;
        EXPECT_EQ(outcome.command, command);
    }
}

struct Case {
    const char* command;
    const char* code;
    std::size_t caret;
};

class MoreErrors : public testing::TestWithParam<Case> {};

TEST_P(MoreErrors, HaveACodeACaretAndAHint) {
    const Outcome outcome = refuse(GetParam().command, true);
    EXPECT_EQ(outcome.code, GetParam().code);
    EXPECT_EQ(outcome.caret, GetParam().caret);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MoreErrors,
    testing::Values(
        Case{"x:mine vfs_read", "EINVAL", 0}, Case{"p:mine", "EINVAL", 7},
        Case{"p twice", "NON_UNIQ_SYMBOL", 2}, Case{"p vfs_read-1", "BAD_PROBE_ADDR", 2},
        Case{"p vfs_read+0x1ffffffff", "BAD_PROBE_ADDR", 2}, Case{"p do_exit", "FAIL_REG_PROBE", 2},
        Case{"p vfs_read @jiffy", "BAD_PROBE_ADDR", 2}, Case{"r0 vfs_read", "BAD_MAXACT", 1},
        Case{"p:a.b/c vfs_read", "BAD_GROUP_NAME", 2}, Case{"p vfs_read $arg0", "BAD_ARG_NUM", 11},
        Case{"p vfs_read $argx", "BAD_VAR", 11}, Case{"p vfs_read a=$stackx", "BAD_VAR", 13},
        Case{"p vfs_read $comm:u8", "NEED_STRING_TYPE", 17},
        Case{"p vfs_read $comm[2]", "BAD_VAR", 11},
        Case{"p vfs_read %di:symstr[2]", "BAD_STRING", 15},
        Case{"p vfs_read +u0(%si):symstr", "BAD_SYMSTRING", 20},
        Case{"p vfs_read \\1:symstr", "BAD_SYMSTRING", 14},
        Case{"p vfs_read +0(%rdi)", "BAD_REG_NAME", 14},
        Case{"p vfs_read +u8(%rdi)", "BAD_REG_NAME", 15},
        Case{"p vfs_read common_pid=%di", "USED_ARG_NAME", 11},
        Case{"p vfs_read %di:u8[4]", "BAD_STRING", 15},
        Case{"p vfs_read +0(%di):b8@60/64", "BAD_BITFIELD", 19},
        Case{"p vfs_read +0(%di):b0@0/8", "BAD_BITFIELD", 19},
        Case{"p vfs_read file.f_flags", "NOSUP_DAT_ARG", 16},
        Case{"p vfs_read file-f_flags", "BAD_HYPHEN", 15},
        Case{"p vfs_read count->f_flags", "NO_PTR_STRCT", 18},
        Case{"p vfs_read file->f_flag", "NO_BTF_FIELD", 17},
        Case{"p vfs_read file->f_flags:string", "BAD_TYPE4STR", 11},
        Case{"p vfs_read+16 file", "NOSUP_BTFARG", 14},
        Case{"p 0xffffffff81001000 $arg1", "NOFENTRY_ARGS", 21},
        Case{"p do_exit file", "NO_BTF_ENTRY", 10}, Case{"p vfs_read if", "NO_EP_FILTER", 11}),
    [](const auto& one) { return std::to_string(one.index); });

TEST(ProbeDefinitionErrors, NameWhatWasProbablyMeant) {
    const test::FakeFacts facts;
    test::FakeBackend backend;
    ProbeEvents events(facts, backend);
    const auto hint = [&](std::string_view command) {
        const Result<void> done = events.command(command);
        return done ? std::string("accepted") : done.error().hint;
    };
    EXPECT_EQ(hint("p vfs_raed"), "the kernel has no symbol vfs_raed; did you mean vfs_read?");
    EXPECT_EQ(hint("p vfs_read %rdi"), "did you mean %di?");
    EXPECT_EQ(hint("p vfs_read %flasg"), "did you mean %flags?");
    EXPECT_EQ(hint("p vfs_read %di:smybol"), "did you mean symbol?");
    EXPECT_EQ(hint("p vfs_read cuont"), "did you mean count?");
    EXPECT_EQ(hint("p vfs_read file->f_flgas"), "did you mean f_flags?");
    EXPECT_EQ(hint("p kfree $arg10"), "kfree has 1 argument");
    EXPECT_EQ(hint("p vfs_read+3"),
              "vfs_read+3: not the start of an instruction; vfs_read+0x1 or vfs_read+0x4");
    EXPECT_EQ(hint("p vfs_read @jiffie:u64"),
              "@jiffie:u64: the kernel has no symbol jiffie; did you mean jiffies?");
}

TEST(ProbeDefinitionErrors, AreKeptInTheErrorLogAsLinuxPrintsIt) {
    const test::FakeFacts facts;
    test::FakeBackend backend;
    ProbeEvents events(facts, backend);
    EXPECT_EQ(events.error_log(), "");
    EXPECT_FALSE(events.command("  p   vfs_read  %none_reg  # a register"));
    EXPECT_EQ(events.error_log(),
              "[    1.234567] trace_kprobe: error: Invalid register name\n"
              "  Command: p vfs_read %none_reg\n"
              "                      ^\n");
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(events.command("p nothing"));
    }
    const std::string log = events.error_log();
    EXPECT_EQ(std::count(log.begin(), log.end(), '^'), 8);
}

TEST(ProbeDefinitionErrors, LeaveNothingBehind) {
    const test::FakeFacts facts;
    test::FakeBackend backend;
    ProbeEvents events(facts, backend);
    for (const char* const bad :
         {"p:e vfs_read %x", "p:e vfs_read+3", "p:e vfs_read if nope == 1"}) {
        EXPECT_FALSE(events.command(bad)) << bad;
    }
    EXPECT_EQ(events.kprobe_events(), "");
    EXPECT_TRUE(events.names().empty());
}

}  // namespace
}  // namespace trapgate::kernel
