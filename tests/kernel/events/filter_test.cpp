// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/filter.hpp"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/kernel/events/fake_kernel.hpp"

namespace trapgate::kernel {
namespace {

/// A hit: n=5, s=-3, big=2^63, path="/etc/passwd", ip in vfs_read, pid 42, CPU 1, comm "bash".
class Filters : public testing::Test {
protected:
    Filters() {
        const test::FakeMemory memory;
        const HitView hit{{}, memory, "bash", backend_.symbol_texts().with_offset, {}, {}};
        record_ = make_record(definition_, {2000, 0, 0, 42, 0xffff'ffff'8100'1000, 0}, hit);
    }

    tl::expected<EventFilter, FilterError> parse(std::string_view text) const {
        return EventFilter::parse(text, filter_fields(definition_), backend_.function_ranges());
    }
    bool passes(std::string_view text) const {
        const auto filter = parse(text);
        EXPECT_TRUE(filter) << filter_error_text(filter.error());
        return filter && filter->matches({record_, 1, "bash"});
    }
    std::string mistake(std::string_view text) const {
        const auto filter = parse(text);
        return filter ? "accepted" : filter_error_text(filter.error());
    }

    const test::FakeFacts facts_;
    const test::FakeBackend backend_;
    const ProbeDefinition definition_ = *parse_definition(
        "p:e vfs_read n=\\5:u8 s=\\-3:s16 big=\\0x8000000000000000 path=\\\"/etc/passwd\" "
        "a=+0(%di):u16[3]",
        facts_);
    EventRecord record_;
};

TEST_F(Filters, CompareNumbers) {
    for (const char* const yes : {"n == 5",
                                  "n != 6",
                                  "n<6",
                                  "n <= 5",
                                  "n > 4",
                                  "n >= 5",
                                  "n & 4",
                                  "n & 0x1",
                                  "n == 0x5",
                                  "n == 05",
                                  "s == -3",
                                  "s < 0",
                                  "s > -4",
                                  "big > 0",
                                  "big == 0x8000000000000000",
                                  "common_pid == 42",
                                  "common_type == 2000",
                                  "CPU == 1",
                                  "cpu >= 1",
                                  "common_cpu < 2",
                                  "__probe_ip == 0xffffffff81001000",
                                  "__probe_ip.function == vfs_read"}) {
        EXPECT_TRUE(passes(yes)) << yes;
    }
    for (const char* const no : {"n == 6", "n != 5", "n < 5", "n & 2", "s >= 0", "big < 1",
                                 "CPU != 1", "__probe_ip.function != vfs_read"}) {
        EXPECT_FALSE(passes(no)) << no;
    }
}

TEST_F(Filters, CompareStrings) {
    for (const char* const yes :
         {"path == \"/etc/passwd\"", "path != '/etc'", "path ~ \"/etc/*\"", "path ~ \"*passwd\"",
          "path ~ '*c/p*'", "path ~ '/e?c/[o-q]ass[!x]d'", "path ~ '!/tmp/*'", "path ~ '*'",
          "comm == 'bash' && n == 5", "COMM ~ \"b*\""}) {
        EXPECT_TRUE(passes(yes)) << yes;
    }
    for (const char* const no : {"path == '/etc'", "path != \"/etc/passwd\"", "path ~ '/etc'",
                                 "path ~ '*etc'", "comm ~ 'z*'", "comm == \"bas\""}) {
        EXPECT_FALSE(passes(no)) << no;
    }
}

TEST_F(Filters, JoinTermsWithAndBeforeOr) {
    for (const char* const yes :
         {"n == 5 || n == 6 && s == 0", "(n == 5 || n == 6) && s == -3", "!(n == 6)", "!n == 6",
          "!!(n == 5)", "n == 5&&s == -3", "((n == 5))", "!(n == 6 || !(s == -3))",
          "n == 1 || (n == 2 || (n == 3 || n == 5)) && comm ~ 'b*'"}) {
        EXPECT_TRUE(passes(yes)) << yes;
    }
    for (const char* const no : {"(n == 5 || n == 6) && s == 0", "!(n == 5)", "n == 6 || s == 0",
                                 "!(n == 5 && s == -3)", "!(n == 5 || n == 6)"}) {
        EXPECT_FALSE(passes(no)) << no;
    }
}

TEST_F(Filters, RandomExpressionsMeanWhatTheyMeanInC) {
    // n is 5 and s is -3: terms of known truth.
    std::mt19937 random(3);
    const std::function<std::pair<std::string, bool>(int)> make = [&](int depth) {
        const bool leaf = depth == 0 || random() % 3 == 0;
        if (leaf) {
            const bool truth = random() % 2 == 0;
            return std::pair(std::string(truth ? "n == 5" : "s > 0"), truth);
        }
        // "a || b && c" without brackets: && binds more tightly.
        const auto a = make(depth - 1);
        const auto b = make(depth - 1);
        const auto c = make(depth - 1);
        const bool negated = random() % 2 == 0;
        const bool value = a.second || (b.second && c.second);
        const std::string text = "(" + a.first + " || " + b.first + " && " + c.first + ")";
        // A leaf is a term, anything else has brackets of its own.
        return std::pair((negated ? "!" : "") + text, value != negated);
    };
    for (int round = 0; round < 2'000; ++round) {
        const auto [text, value] = make(4);
        if (text.size() < 4000) {
            EXPECT_EQ(passes(text), value) << text;
        }
    }
}

struct Mistake {
    const char* filter;
    const char* what;
    std::size_t caret;
};

TEST_F(Filters, SayWhatIsWrongAsLinuxDoes) {
    for (const Mistake& one : std::initializer_list<Mistake>{
             {"m == 5", "Field not found", 2},
             {"n = 5", "Invalid operator", 3},
             {"n + 5", "Invalid operator", 3},
             {"(n == 5", "Too many '('", 0},
             {"n == 5 && (s == 1 || (n == 3", "Too many '('", 21},
             {"n == 5)", "Too few '('", 6},
             {"path == \"x", "Missing matching quote", 8},
             {"path == 5", "Expecting string field", 9},
             {"n == 'x'", "Expecting numeric field", 6},
             {"path < 'x'", "Illegal operation for field type", 8},
             {"n ~ 5", "Illegal operation for field type", 5},
             {"a == 5", "Illegal operation for field type", 6},
             {"n == 5x", "Illegal integer value", 6},
             {"n == -5", "Illegal integer value", 6},
             {"n == 0x11111111111111111111111111", "Operand too long", 34},
             {"path == etc", "Invalid value (did you forget quotes)?", 9},
             {"n == 5 s == 1", "Too many terms in predicate expression", 7},
             {"n == 5 & s == 1", "Too many terms in predicate expression", 7},
             {"n == 5 &&", "Meaningless filter expression", 9},
             {"__probe_ip.function == nothing", "Function not found", 31},
             {"()", "No filter found", 0},
             {"  ", "No filter found", 0}}) {
        const std::size_t caret = std::min(one.caret, std::string_view(one.filter).size());
        EXPECT_EQ(mistake(one.filter), std::string(one.filter) + "\n" + std::string(caret, ' ') +
                                           "^\nparse_error: " + one.what + "\n");
        EXPECT_FALSE(parse(one.filter).error().hint.empty()) << one.filter;
    }
    EXPECT_EQ(parse("pth == 'x'").error().hint, "did you mean path?");
}

TEST_F(Filters, RandomTextIsReadOrRefused) {
    const std::vector<std::string> pieces{
        "n", "s", "path", "comm", "CPU", "==",   "!=", "<", "~", "&",         "&&",       "||",
        "!", "(", ")",    "5",    "-3",  "'x*'", "\"", " ", "a", ".function", "vfs_read", "["};
    std::mt19937 random(5);
    unsigned accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string text;
        for (std::size_t i = random() % 14; i > 0; --i) {
            text += pieces[random() % pieces.size()];
        }
        if (const auto filter = parse(text)) {
            ++accepted;
            static_cast<void>(filter->matches({record_, 1, "bash"}));
        }
    }
    EXPECT_GT(accepted, 10U);
}

TEST(Glob, MatchesAsTheShellDoes) {
    EXPECT_TRUE(glob_match("", ""));
    EXPECT_TRUE(glob_match("a*b*c", "aXbYc"));
    EXPECT_TRUE(glob_match("*abc", "ababc"));
    EXPECT_TRUE(glob_match("[]x]", "]"));
    EXPECT_TRUE(glob_match("[a", "[a"));
    EXPECT_TRUE(glob_match("\\*", "*"));
    EXPECT_FALSE(glob_match("\\*", "x"));
    EXPECT_FALSE(glob_match("a?", "a"));
    EXPECT_FALSE(glob_match("[!a-c]", "b"));
}

}  // namespace
}  // namespace trapgate::kernel
