// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/definition.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/kernel/events/fake_kernel.hpp"

namespace trapgate::kernel {
namespace {

const test::FakeFacts kFacts;

std::string listed(std::string_view line) {
    const ProbeResult<ProbeDefinition> definition = parse_definition(line, kFacts);
    return definition ? definition->text() : error_log_text(definition.error());
}

struct Listing {
    const char* typed;
    const char* listed;
};
class Definitions : public testing::TestWithParam<Listing> {};

TEST_P(Definitions, AreListedAsLinuxListsThemAndReadAgainAreTheSame) {
    const std::string line = listed(GetParam().typed);
    EXPECT_EQ(line, GetParam().listed);
    EXPECT_EQ(listed(line), line);
    ProbeDefinition typed = *parse_definition(GetParam().typed, kFacts);
    typed.filter.reset();  // It is listed in a file of its own.
    EXPECT_EQ(*parse_definition(line, kFacts), typed);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Definitions,
    testing::Values(
        Listing{"p vfs_read", "p:kprobes/p_vfs_read_0 vfs_read"},
        Listing{"p vfs_read+0x1c", "p:kprobes/p_vfs_read_28 vfs_read+28"},
        Listing{"p:opened vfs_read", "p:kprobes/opened vfs_read"},
        Listing{"p:files/opened vfs_read+4", "p:files/opened vfs_read+4"},
        Listing{"p:files.opened vfs_read", "p:files/opened vfs_read"},
        Listing{"p:my-files/ vfs_read", "p:my-files/p_vfs_read_0 vfs_read"},
        Listing{"p foo.isra.0", "p:kprobes/p_foo_isra_0_0 foo.isra.0"},
        Listing{"p 0xffffffff81001000", "p:kprobes/p_0xffffffff81001000 0xffffffff81001000"},
        Listing{"r vfs_read", "r:kprobes/r_vfs_read_0 vfs_read"},
        Listing{"r100:back vfs_read $retval", "r100:kprobes/back vfs_read arg1=$retval"},
        Listing{"p:back vfs_read%return", "r:kprobes/back vfs_read"},
        Listing{"p:e nomodule:symbol", "p:kprobes/e nomodule:symbol"},
        Listing{"p:e vfs_read %di fd=%si:s32", "p:kprobes/e vfs_read arg1=%di fd=%si:s32"},
        Listing{"p:e vfs_read +0(+8(%di)):string", "p:kprobes/e vfs_read arg1=+0(+8(%di)):string"},
        Listing{"p:e vfs_read $stack $stack3 $comm",
                "p:kprobes/e vfs_read arg1=$stack arg2=$stack3 arg3=$comm"},
        Listing{"p:e vfs_read \\-1 s=\\\"text\"", "p:kprobes/e vfs_read arg1=\\-1 s=\\\"text\""},
        Listing{"p:e vfs_read @jiffies+8:u64[2]", "p:kprobes/e vfs_read arg1=@jiffies+8:u64[2]"},
        Listing{"p:e vfs_read +0(%di):b4@8/32", "p:kprobes/e vfs_read arg1=+0(%di):b4@8/32"},
        Listing{"p:e vfs_read $arg*", "p:kprobes/e vfs_read file=file buf=buf count=count pos=pos"},
        Listing{"p:e vfs_read n=$arg3 $arg2:x64", "p:kprobes/e vfs_read n=$arg3 buf=buf:x64"},
        Listing{"p:e vfs_read file->f_path.name:string",
                "p:kprobes/e vfs_read arg1=file->f_path.name:string"},
        Listing{"r:e vfs_read file $retval", "r:kprobes/e vfs_read file=file arg2=$retval"},
        Listing{"p:e vfs_read %di if arg1 > 3", "p:kprobes/e vfs_read arg1=%di"},
        Listing{"  p:e\tvfs_read   %di   # comment", "p:kprobes/e vfs_read arg1=%di"}),
    [](const auto& one) { return std::to_string(one.index); });

TEST(Definition, TakesTypesFromBtf) {
    const auto definition = parse_definition(
        "p:e vfs_read file count a=file->f_flags b=file->f_b c=file->f_pos d=file->f_path.mnt "
        "e=file->f_name:string f=buf:string",
        kFacts);
    ASSERT_TRUE(definition) << error_log_text(definition.error());
    std::vector<std::string_view> types;
    for (const FetchArg& arg : definition->args) {
        types.push_back(arg.type->name);
    }
    EXPECT_EQ(types, (std::vector<std::string_view>{"x64", "s64", "u32", "u64", "s64", "x64",
                                                    "string", "string"}));
    EXPECT_EQ(definition->args[2].derefs, (std::vector<FetchDeref>{{16, false}}));
    EXPECT_EQ(definition->args[3].bits, (FetchBits{5, 3, 64}));
    EXPECT_EQ(definition->args[6].derefs, (std::vector<FetchDeref>{{32, false}}));
    EXPECT_EQ(definition->args[7].derefs, (std::vector<FetchDeref>{{0, false}}));
}

TEST(Definition, SavesEachEntryArgumentOfAReturnOnce) {
    const auto definition = parse_definition("r:e vfs_read $arg3 file a=file->f_flags b=$arg3",
                                             kFacts);
    ASSERT_TRUE(definition) << error_log_text(definition.error());
    EXPECT_EQ(definition->entry_args, (std::vector<unsigned>{2, 0}));
    EXPECT_EQ(definition->args[3].source.number, 0U);
}

TEST(RemoveCommand, MeansWhatFits) {
    const ProbeDefinition definition = *parse_definition("p:g/e vfs_read+4 a=%di b=%si", kFacts);
    for (const char* const fits : {"-:e", "-:g/e", "-:g/", "-:e vfs_read+4", "-:e vfs_read+4 a=%di",
                                   "-:e vfs_read+4 a=%di b=%si"}) {
        EXPECT_TRUE(parse_remove(fits)->matches(definition)) << fits;
    }
    for (const char* const other : {"-:f", "-:h/e", "-:h/", "-:e vfs_read", "-:e vfs_read+4 b=%si",
                                    "-:e vfs_read+4 a=%di b=%si c=%dx"}) {
        EXPECT_FALSE(parse_remove(other)->matches(definition)) << other;
    }
    EXPECT_FALSE(parse_remove("-"));
    EXPECT_FALSE(parse_remove("-:"));
}

// Whatever is typed, it is refused or listed as something that means the same; and every caret
// points into the command, or behind its end.
TEST(Definition, RandomOnesAreReadOrRefused) {
    const std::vector<std::string> pieces{
        "p",      "r",   ":",      "/",    ".",    "+",        "-",      "(",       ")",
        "%",      "$",   "@",      "\\",   "\"",   "=",        "[",      "]",       "u",
        "b",      "*",   " ",      " ",    "if",   "vfs_read", "kfree",  "jiffies", "file",
        "buf",    "->",  "f_path", "name", "f_b",  "di",       "si",     "stack",   "retval",
        "comm",   "arg", "0",      "1",    "8",    "0x10",     "string", "ustring", "symbol",
        "symstr", "u32", "s8",     "x64",  "char", "b4@8/32",  ":u8[4]", "+0(%di)", "$arg1",
        "e",      "\t",  "#",      "\x80"};
    std::mt19937 random(1);
    const auto below = [&](std::size_t n) { return random() % n; };
    unsigned accepted = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string line = below(4) == 0 ? "" : below(4) == 0 ? "r:e vfs_read " : "p:e vfs_read ";
        for (std::size_t n = below(12); n > 0; --n) {
            line += pieces[below(pieces.size())];
        }
        const auto definition = parse_definition(line, kFacts);
        if (!definition) {
            EXPECT_LE(definition.error().caret, definition.error().command.size() + 1) << line;
            EXPECT_FALSE(code_name(definition.error().code).empty());
            continue;
        }
        ++accepted;
        auto again = parse_definition(definition->text(), kFacts);
        ASSERT_TRUE(again) << line << '\n' << error_log_text(again.error());
        again->filter = definition->filter;
        EXPECT_EQ(*again, *definition) << line;
    }
    EXPECT_GT(accepted, 5'000U);
}

}  // namespace
}  // namespace trapgate::kernel
