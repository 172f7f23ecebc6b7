// SPDX-License-Identifier: GPL-2.0-only
#include "cli/run_output.hpp"

#include <array>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/unique_fd.hpp"

namespace trapgate::cli {
namespace {

/// A pipe whose other end is read when all is written.
class Captured {
public:
    Captured() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        read_end_.reset(ends[0]);
        write_end_.reset(ends[1]);
    }
    [[nodiscard]] int fd() const { return write_end_.get(); }
    std::string text() {
        write_end_.reset();
        std::string all;
        std::array<char, 4096> buffer{};
        ssize_t got = 0;
        while ((got = ::read(read_end_.get(), buffer.data(), buffer.size())) > 0) {
            all.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return all;
    }
    void close_reader() { read_end_.reset(); }

private:
    UniqueFd read_end_, write_end_;
};

kernel::EventView a_hit() {
    return {"kprobes",
            "open",
            {"bash", 7, 1, 2'000, 0, 0},
            "vfs_open+0x0/0x20",
            {{"fd", "-1", {std::int64_t{-1}}, false},
             {"name", "\"x\"", {std::string("x")}, false},
             {"all", "{1,(fault)}", {std::uint64_t{1}, std::monostate()}, true}}};
}

TEST(TextOutput, KeepsConsoleAndEventsApart) {
    Captured console;
    Captured events;
    {
        OutputStream out(console.fd());
        OutputStream err(events.fd());
        const auto output = make_text_output(out, err);
        output->console(Cycles{1}, "hel");
        output->probe(Cycles{2}, a_hit());
        output->console(Cycles{3}, "lo\n");
        output->record(Cycles{4}, "ring", {7, {}, "{ .x = 1 }"});
    }
    EXPECT_EQ(console.text(), "hello\n");
    EXPECT_EQ(events.text(), a_hit().line() + "\nring[7]: { .x = 1 }\n");
}

TEST(JsonOutput, TellsAProbesHitInParts) {
    Captured captured;
    {
        OutputStream out(captured.fd());
        make_json_output(out)->probe(Cycles{5}, a_hit());
    }
    EXPECT_EQ(captured.text(),
              R"({"cycle":5,"event":"probe","text":"            bash-7       [001] .....     )"
              R"(0.000002: open: (vfs_open+0x0/0x20) fd=-1 name=\"x\" all={1,(fault)}",)"
              R"("group":"kprobes","name":"open","task":"bash","pid":7,"cpu":1,)"
              R"("where":"vfs_open+0x0/0x20","args":{"fd":-1,"name":"x","all":[1,null]}})"
              "\n");
}

TEST(JsonOutput, MakesAnObjectOfEachConsoleLine) {
    Captured captured;
    {
        OutputStream out(captured.fd());
        const auto output = make_json_output(out);
        output->console(Cycles{1}, "hel");
        output->console(Cycles{2}, "lo\nwor");
        output->pause();
        output->console(Cycles{3}, "ld\n");
    }
    EXPECT_EQ(captured.text(), R"({"cycle":1,"event":"console","text":"hello\n"})"
                               "\n"
                               R"({"cycle":2,"event":"console","text":"world\n"})"
                               "\n");
}

TEST(JsonOutput, KeepsTheOrderOfThingsAndStaysValid) {
    Captured captured;
    {
        OutputStream out(captured.fd());
        const auto output = make_json_output(out);
        output->console(Cycles{1}, "a\xff");
        output->trace(Cycles{5}, "t");
        output->record(Cycles{6}, "r", {0, {std::byte{0xab}, std::byte{1}}, "x"});
    }
    EXPECT_EQ(captured.text(),
              "{\"cycle\":1,\"event\":\"console\",\"text\":\"a\xef\xbf\xbd\"}\n"
              "{\"cycle\":5,\"event\":\"trace\",\"text\":\"t\"}\n"
              "{\"cycle\":6,\"event\":\"record\",\"ring\":\"r\",\"number\":0,\"text\":\"x\","
              "\"bytes\":\"ab01\"}\n");
}

TEST(OutputStream, KnowsWhenItsReaderHasGone) {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    Captured captured;
    captured.close_reader();
    OutputStream out(captured.fd());
    EXPECT_FALSE(out.broken());
    out.write("x\n");
    EXPECT_TRUE(out.broken());
    out.write("y\n");  // Dropped without a word.
    std::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace trapgate::cli
