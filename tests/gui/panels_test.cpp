// SPDX-License-Identifier: GPL-2.0-only
// Each panel as text, from a hand-made machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gui/panels/panel.hpp"
#include "gui/platform/ui_context.hpp"
#include "tests/gui/sample.hpp"

namespace trapgate::gui {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::sample_before;
using testing::sample_snapshot;
using testing::share;

class Panels : public ::testing::Test {
protected:
    std::string text(std::string_view name) {
        return view_text([&] { find_panel(name)->draw(snapshot_, state_); });
    }
    std::string status() {
        return view_text([&] { draw_status(snapshot_, state_); });
    }

    UiContext ui_{1};
    kernel::SnapshotPtr snapshot_ = share(sample_snapshot());
    PanelState state_;
};

TEST_F(Panels, RegistersSpellFlagsAndPlace) {
    const std::string shown = text("Registers");
    EXPECT_THAT(shown, HasSubstr("(x) hex ( ) unsigned ( ) signed ring 0\n"));
    EXPECT_THAT(shown, HasSubstr("|  rax | 0000000000000003 |  r8 | ffff888000008888 |\n"));
    EXPECT_THAT(shown, HasSubstr("|  rip | ffffffff81001234 | do_sys_openat2+0x4/0x60 |\n"));
    EXPECT_THAT(shown, HasSubstr("|  rflags | 0000000000000246 | PF ZF IF |\n"));
    EXPECT_THAT(shown, HasSubstr("|  cr0 | 0000000080050033 | PE MP ET NE WP AM PG |\n"));
    EXPECT_THAT(shown, HasSubstr("|  efer | 0000000000000d01 | SCE LME LMA NXE |\n"));
    EXPECT_THAT(shown, HasSubstr("|  gdtr | fffffe0000001000 | limit 007f |\n"));
    EXPECT_THAT(shown, HasSubstr("|  cs | 0010 | 0000000000000000 | ffffffff | a09b |\n"));
    EXPECT_THAT(shown, Not(HasSubstr("*"))) << "nothing to compare with";
}

TEST_F(Panels, RegistersMarkWhatChangedSinceTheLastStop) {
    state_.before = share(sample_before());
    const std::string shown = text("Registers");
    EXPECT_THAT(shown, HasSubstr("* changed since the last stop\n"));
    EXPECT_THAT(shown, HasSubstr("| *rax | 0000000000000003 |  r8 |"));
    EXPECT_THAT(shown, HasSubstr("|  rcx |"));
    EXPECT_THAT(shown, HasSubstr("| *rip | ffffffff81001234 |"));
    EXPECT_THAT(shown, HasSubstr("| *rflags |"));
    EXPECT_THAT(shown, HasSubstr("|  cr3 |"));
}

TEST_F(Panels, RegistersInDecimal) {
    state_.register_format = NumberFormat::Signed;
    kernel::SessionSnapshot negative = sample_snapshot();
    negative.registers.gpr[0] = UINT64_MAX;
    snapshot_ = share(negative);
    EXPECT_THAT(text("Registers"), HasSubstr("|  rax |                   -1 |"));
    state_.register_format = NumberFormat::Unsigned;
    EXPECT_THAT(text("Registers"), HasSubstr("|  rax | 18446744073709551615 |"));
}

TEST_F(Panels, CountersSayWhichModelAndWhatWasSpent) {
    EXPECT_THAT(text("Counters"), AllOf(HasSubstr("| cycles (functional) | 1,300,000 |"),
                                        HasSubstr("| exception 14 (#PF) | 5 |")));
    state_.before = share(sample_before());
    EXPECT_THAT(text("Counters"), AllOf(HasSubstr("| instructions | 1,234,567 | +100 |"),
                                        HasSubstr("| cycles (functional) | 1,300,000 | +120 |")));
}

TEST_F(Panels, ConsoleShowsPlainLines) { EXPECT_EQ(text("Console"), "Minikernel\nready\n# \n"); }

TEST_F(Panels, ProbesShowHitsAndMisses) {
    state_.before = share(sample_before());
    EXPECT_EQ(text("Probes"),
              "| event | hits | missed | program | where | address |\n"
              "| kprobes/opened | *53 | 0 | count_open | do_sys_openat2+0x0 | ffffffff81001230 |\n"
              "| kprobes/vfs | 7 | 2 | - | vfs_open+0x0 | ffffffff81002000 |\n");
}

TEST_F(Panels, MapsListAllAndOpenTheFirstWithElements) {
    EXPECT_EQ(text("Maps"),
              "| map | type | elements | room | key bytes | value bytes | id |\n"
              "| counts | array | 4 | 4 | 4 | 8 | 3 |\n"
              "| events | ringbuf | 0 | 4,096 | 0 | 0 | 4 |\n"
              "counts [ ] bytes in hex [ ] hide zeros\n"
              "|   | key | value |\n"
              "|   | 0 | 53 |\n"
              "|   | 1 | 0 |\n"
              "|   | 2 | 7 |\n"
              "|   | 3 | 0 |\n");
}

TEST_F(Panels, MapsMarkChangedAndNewElements) {
    state_.before = share(sample_before());
    const std::string shown = text("Maps");
    EXPECT_THAT(shown, HasSubstr("| * | 0 | 53 |\n|   | 1 | 0 |\n| + | 2 | 7 |\n|   | 3 | 0 |\n"));
}

TEST_F(Panels, MapsInHexWithoutZeros) {
    state_.maps_in_hex = true;
    state_.hide_zeros = true;
    const std::string shown = text("Maps");
    EXPECT_THAT(shown, HasSubstr("|   | 00 00 00 00 | 35 00 00 00 00 00 00 00 |\n"
                                 "|   | 02 00 00 00 | 07 00 00 00 00 00 00 00 |\n"));
    EXPECT_THAT(shown, Not(HasSubstr("01 00 00 00")));
}

TEST_F(Panels, MapsSayHowMuchIsLeftOut) {
    kernel::SessionSnapshot large = sample_snapshot();
    large.maps[0].element_count = 100'000;
    snapshot_ = share(large);
    EXPECT_THAT(text("Maps"), HasSubstr("the first 4 of 100,000"));
}

TEST_F(Panels, ASelectedRingMapPointsToTheRingsPanel) {
    state_.selected_map = 4;
    EXPECT_THAT(text("Maps"), HasSubstr("A ring buffer: the Rings panel shows it."));
}

TEST_F(Panels, ASelectionThatIsGoneFallsBack) {
    state_.selected_map = 99;
    state_.selected_ring = 99;
    EXPECT_THAT(text("Maps"), HasSubstr("\ncounts "));
    EXPECT_THAT(text("Rings"), HasSubstr("\nevents "));
}

TEST_F(Panels, RingsShowPositionsFillAndNewestRecordsLast) {
    EXPECT_EQ(text("Rings"),
              "| ring | records | dropped | producer | consumer | bytes | id |\n"
              "| events | 6 | 2 | 5,120 | 4,096 | 4,096 | 4 |\n"
              "1,024 of 4,096 bytes unread (25 %), next record at 1,024\n"
              "events [ ] bytes in hex the last 3 of 6\n"
              "| # | bytes | record |\n"
              "| 3 | 8 | { .pid = 3, .name = \"init\", } |\n"
              "| 4 | 8 | { .pid = 4, .name = \"init\", } |\n"
              "| 5 | 8 | { .pid = 5, .name = \"init\", } |\n");
    state_.rings_in_hex = true;
    EXPECT_THAT(text("Rings"), HasSubstr("| 5 | 8 | 05 00 00 00 00 00 00 00 |\n"));
}

TEST_F(Panels, RingsSurviveAnyPositions) {
    kernel::SessionSnapshot wild = sample_snapshot();
    kernel::RingView& ring = wild.rings[0];
    ring.consumer = UINT64_MAX;
    ring.producer = 5;
    snapshot_ = share(wild);
    EXPECT_THAT(text("Rings"), HasSubstr("6 of 4,096 bytes unread (0 %)"));
    wild.rings[0].consumer = 6;
    snapshot_ = share(wild);
    EXPECT_THAT(text("Rings"), HasSubstr("4,096 of 4,096 bytes unread (100 %)"));
    wild.rings[0].bytes = 0;
    snapshot_ = share(wild);
    EXPECT_THAT(text("Rings"), HasSubstr("of 0 bytes unread"));
}

TEST_F(Panels, NamelessMapsAndRingsGoByTheirId) {
    kernel::SessionSnapshot nameless = sample_snapshot();
    nameless.maps[0].name.clear();
    nameless.rings[0].name.clear();
    snapshot_ = share(nameless);
    EXPECT_THAT(text("Maps"),
                AllOf(HasSubstr("| map 3 | array |"), HasSubstr("\nmap 3 [ ] bytes")));
    EXPECT_THAT(text("Rings"), AllOf(HasSubstr("| ring 4 | 6 |"), HasSubstr("\nring 4 [ ] bytes")));
}

TEST_F(Panels, TraceShowsItsLines) {
    EXPECT_EQ(text("Trace"),
              "  init-1 [000] d..1 0.001: opened: (do_sys_openat2+0x0)\n"
              "  init-1 [000] d..1 0.002: bpf_trace_printk: hello\n");
}

TEST_F(Panels, EmptyOnesSayHowToFillThem) {
    snapshot_ = share({});
    EXPECT_THAT(text("Maps"), HasSubstr("Start with -b FILE.bpf.o"));
    EXPECT_THAT(text("Rings"), HasSubstr("Start with -b FILE.bpf.o"));
    EXPECT_THAT(text("Probes"), HasSubstr("Start with -p SYMBOL"));
    EXPECT_THAT(text("Console"), HasSubstr("has not written anything"));
    EXPECT_THAT(text("Trace"), HasSubstr("No events yet"));
    EXPECT_THAT(text("Commands"), HasSubstr("\"help\" lists"));
    EXPECT_THAT(text("Registers"), HasSubstr("|  rip | 0000000000000000 |"));
}

TEST_F(Panels, StatusNamesStatePlaceTimeAndModel) {
    EXPECT_EQ(status(),
              "|| paused do_sys_openat2+0x4/0x60 1,300,000 cycles (functional) 1,234,567 "
              "instructions ring 0\n");
    kernel::SessionSnapshot running = sample_snapshot();
    running.running = true;
    snapshot_ = share(running);
    EXPECT_THAT(status(), HasSubstr("> running"));
    kernel::SessionSnapshot ended = sample_snapshot();
    ended.ended = true;
    ended.stop = {emu::StopReason::GuestExit, 7, {}};
    snapshot_ = share(ended);
    EXPECT_THAT(status(), HasSubstr("[] ended: guest-exit, status 7"));
    ended.stop = {emu::StopReason::TripleFault, 0, {}};
    snapshot_ = share(ended);
    EXPECT_THAT(status(), HasSubstr("[] ended: triple-fault "));
}

}  // namespace
}  // namespace trapgate::gui
