// SPDX-License-Identifier: GPL-2.0-only
#include "emu/input/input_log.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace trapgate::emu {
namespace {

InputLog sample() {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) {
        all += static_cast<char>(byte);
    }
    return {{0x8c1f0ad2b39e6471, "mini \"kernel\".elf", "console=ttyS0 \\ \n", 32U << 20, 2,
             "functional"},
            {{{100, {200}}, InputKind::Console, "ls\n"}, {{150, {300}}, InputKind::Console, all}},
            RecordedEnd{{1000, {2000}}, 130, "interrupted"}};
}

TEST(InputLog, ReadsWhatItWrites) {
    const std::string text = format_input_log(sample());
    const Result<InputLog> read = parse_input_log(text, "log");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, sample());
    InputLog open = sample();
    open.end.reset();
    EXPECT_EQ(parse_input_log(format_input_log(open), "log"), open);
}

TEST(InputLog, IsReadable) {
    const std::string text = format_input_log({{0x12, "a.elf", "quiet", 1U << 20, 1, "functional"},
                                               {{{7, {8}}, InputKind::Console, "x\t\x7f\""}},
                                               RecordedEnd{{9, {10}}, 4, "insn-limit"}});
    EXPECT_EQ(text,
              "trapgate input log 1\n"
              "image 0000000000000012 \"a.elf\"\n"
              "append \"quiet\"\n"
              "machine ram=1048576 cpus=1 model=functional\n"
              "7 8 console \"x\\t\\x7f\\\"\"\n"
              "9 10 end 4 \"insn-limit\"\n");
}

TEST(InputLog, WritesEntriesAsTheyCome) {
    const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                       fmt::format("trapgate-log-{}", ::getpid());
    const InputLog log = sample();
    Result<InputLogWriter> writer = InputLogWriter::open(path, log.identity);
    ASSERT_TRUE(writer);
    writer->append(log.entries[0]);
    InputLog begun = log;
    begun.entries.pop_back();
    begun.end.reset();
    EXPECT_EQ(read_input_log(path), begun);
    writer->append(log.entries[1]);
    ASSERT_TRUE(writer->finish(*log.end));
    EXPECT_EQ(read_input_log(path), log);
    std::filesystem::remove(path);
    EXPECT_FALSE(InputLogWriter::open("/nonexistent/log", log.identity));
}

TEST(InputLog, SaysWhichLineIsWrong) {
    const std::string good = format_input_log(sample());
    EXPECT_EQ(parse_input_log("", "l").error().what, "not an input log");
    EXPECT_EQ(parse_input_log("elf", "l").error().what, "not an input log");
    struct Case {
        std::string text;
        std::string where;
    };
    const std::string head = good.substr(0, good.find("100 200"));
    for (const Case& one : {
             Case{"trapgate input log 1\nimage 12\n", "l:2"},
             Case{"trapgate input log 1\nimage 12 \"a\"\nappend \"\n", "l:3"},
             Case{"trapgate input log 1\nimage 12 \"a\"\nappend \"\"\nmachine ram=1 cpus=1\n",
                  "l:4"},
             Case{head + "1 2 console \"unended\n", "l:5"},
             Case{head + "1 2 console \"bad \\q\"\n", "l:5"},
             Case{head + "1 2 console \"short \\x1\"\n", "l:5"},
             Case{head + "1 2 keyboard \"x\"\n", "l:5"},
             Case{head + "1 2 console \"x\"", "l:5"},
             Case{head + "5 9 console \"x\"\n5 8 console \"y\"\n", "l:6"},
             Case{head + "5 9 end 0 \"\"\n5 9 end 0 \"\"\n", "l:5"},
             Case{head + "5 9 end\n", "l:5"},
             Case{head + "5 9 end 256 \"\"\n", "l:5"},
             Case{head + "5 9 end 4 no\n", "l:5"},
             Case{head + "99999999999999999999999 2 console \"x\"\n", "l:5"},
             Case{head + "\n", "l:5"},
         }) {
        const Result<InputLog> read = parse_input_log(one.text, "l");
        ASSERT_FALSE(read) << one.text;
        EXPECT_EQ(read.error().where, one.where) << one.text;
        EXPECT_FALSE(read.error().hint.empty());
    }
    for (std::size_t length = 0; length < good.size(); ++length) {
        const Result<InputLog> cut = parse_input_log(std::string_view(good).substr(0, length), "l");
        const bool at_line = length > head.size() && good[length - 1] == '\n';
        EXPECT_EQ(cut.has_value(), at_line || length == head.size()) << length;
    }
}

}  // namespace
}  // namespace trapgate::emu
