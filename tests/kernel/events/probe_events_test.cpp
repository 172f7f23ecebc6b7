// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/probe_events.hpp"

#include <gtest/gtest.h>

#include "tests/kernel/events/fake_kernel.hpp"

namespace trapgate::kernel {
namespace {

class Events : public testing::Test {
protected:
    Events() : events_(facts_, backend_) {
        events_.set_sink([this](const EventView& view) { lines_.push_back(view.text()); });
    }
    int error_of(const Result<void>& done) { return done ? 0 : done.error().linux_errno; }
    void hit(std::size_t target, std::uint64_t di) {
        EventHit hit{
            {{}, memory_, "bash", backend_.symbol_texts().with_offset, {}, {}}, {}, 0x123, 0};
        hit.view.regs.di = di;
        backend_.targets.at(target)->on_hit(hit);
    }

    const test::FakeFacts facts_;
    test::FakeBackend backend_;
    test::FakeMemory memory_;
    ProbeEvents events_;
    std::vector<std::string> lines_;
};

TEST_F(Events, AreDisabledUntilTheyAreEnabled) {
    ASSERT_TRUE(events_.command("p:a vfs_read"));
    EXPECT_FALSE(backend_.targets[0]->enabled);
    EXPECT_EQ(events_.enabled("a"), "0\n");
    EXPECT_TRUE(events_.set_enabled("kprobes/a", true));
    EXPECT_TRUE(backend_.targets[0]->enabled);
    EXPECT_EQ(events_.enabled("a"), "1\n");
    EXPECT_EQ(events_.set_enabled("kprobes/b", true).error().hint, "did you mean kprobes/a?");
}

TEST_F(Events, AreListedInTheOrderOfTheirDefinition) {
    ASSERT_TRUE(events_.command("p:a vfs_read x=%di"));
    ASSERT_TRUE(events_.command("r:g/b kfree"));
    ASSERT_TRUE(events_.command("p:a vfs_read+4 x=%si"));
    EXPECT_EQ(events_.kprobe_events(),
              "p:kprobes/a vfs_read x=%di\nr:g/b kfree\np:kprobes/a vfs_read+4 x=%si\n");
    backend_.targets[0]->hits = 12;
    backend_.targets[2]->hits = 3;
    backend_.targets[2]->missed = 4;
    EXPECT_EQ(events_.kprobe_profile(),
              "  a                                                         12               0\n"
              "  b                                                          0               0\n"
              "  a                                                          3               4\n");
    EXPECT_EQ(events_.states()[2].misses, (std::vector<MissReason>{{"inside another probe", 4}}));
    EXPECT_EQ(events_.id("a"), "2000\n");
    EXPECT_EQ(events_.id("g/b"), "2001\n");
    EXPECT_TRUE(events_.format("b")->starts_with("name: b\nID: 2001\n"));
    EXPECT_EQ(events_.format("c").error().linux_errno, ENOENT);
}

TEST_F(Events, ThatAreEnabledEnableProbesThatJoinThem) {
    ASSERT_TRUE(events_.command("p:a vfs_read"));
    ASSERT_TRUE(events_.enable_all());
    ASSERT_TRUE(events_.command("p:a kfree"));
    EXPECT_TRUE(backend_.targets[1]->enabled);
}

TEST_F(Events, GoWhenTheyAreDisabledAndTakenAway) {
    ASSERT_TRUE(events_.command("p:a vfs_read"));
    ASSERT_TRUE(events_.command("p:a kfree"));
    ASSERT_TRUE(events_.command("p:b kfree"));
    EXPECT_EQ(error_of(events_.command("-:c")), ENOENT);
    EXPECT_EQ(error_of(events_.command("-c")), EINVAL);
    EXPECT_TRUE(events_.command("-:a kfree"));
    EXPECT_EQ(events_.names(), (std::vector<std::string>{"kprobes/a", "kprobes/b"}));
    ASSERT_TRUE(events_.enable_all());
    EXPECT_EQ(error_of(events_.command("-:kprobes/")), EBUSY);
    EXPECT_TRUE(events_.set_enabled("a", false));
    EXPECT_TRUE(events_.command("-:a"));
    EXPECT_EQ(events_.kprobe_events(), "p:kprobes/b kfree\n");
}

TEST_F(Events, ErrnosAreLinuxs) {
    ASSERT_TRUE(events_.command("p:a vfs_read x=%di"));
    EXPECT_EQ(error_of(events_.command("r:a kfree")), EEXIST);
    EXPECT_EQ(error_of(events_.command("p:a kfree")), EEXIST);
    EXPECT_EQ(error_of(events_.command("p:a vfs_read x=%di")), EEXIST);
    EXPECT_EQ(error_of(events_.command("p:b nothing")), EINVAL);
    EXPECT_EQ(error_of(events_.command("p:b vfs_read+3")), EILSEQ);
    EXPECT_EQ(error_of(events_.command("p:b vfs_read nope")), ENOENT);
    EXPECT_EQ(error_of(events_.command("p:b vfs_read $argx")), EINVAL);
    EXPECT_EQ(error_of(events_.command("")), 0);
    EXPECT_EQ(error_of(events_.command(" # nothing")), 0);
}

TEST_F(Events, ShowTheHitsThatTheirFilterLetsThrough) {
    ASSERT_TRUE(events_.command("p:a vfs_read x=%di if x > 3"));
    hit(0, 9);  // It is disabled yet.
    ASSERT_TRUE(events_.enable_all());
    EXPECT_EQ(events_.filter("a"), "x > 3\n");
    hit(0, 3);
    hit(0, 4);
    EXPECT_EQ(lines_, (std::vector<std::string>{"a: (0x123) x=0x4"}));
    EXPECT_EQ(events_.states()[0].filtered, 1U);
    EXPECT_FALSE(events_.set_filter("a", "y > 3"));
    EXPECT_EQ(events_.filter("a"), "y > 3\n  ^\nparse_error: Field not found\n");
    EXPECT_TRUE(
        events_.error_log().ends_with("event filter parse error: error: Field not found\n"
                                      "  Command: y > 3\n"
                                      "             ^\n"));
    EXPECT_TRUE(events_.set_filter("a", "0"));
    EXPECT_EQ(events_.filter("a"), "none\n");
    hit(0, 3);
    EXPECT_EQ(lines_.size(), 2U);
    EXPECT_TRUE(events_.set_filter("kprobes/a", "comm != \"bash\"\n"));
    hit(0, 3);
    EXPECT_EQ(lines_.size(), 2U);
}

}  // namespace
}  // namespace trapgate::kernel
