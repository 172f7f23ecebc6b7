// SPDX-License-Identifier: GPL-2.0-only
#include "gui/app.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gui/layout/presets.hpp"
#include "gui/platform/ui_context.hpp"
#include "tests/gui/sample.hpp"

namespace trapgate::gui {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::sample_before;
using testing::sample_snapshot;
using testing::share;

// Remembers commands and answers them as told.
class FakeGuest : public Guest {
public:
    [[nodiscard]] kernel::SnapshotPtr snapshot() const override { return now; }
    void send(std::string line) override {
        sent.push_back(line);
        answers.push_back({std::move(line), reply});
    }
    [[nodiscard]] std::vector<Answer> take_answers() override { return std::exchange(answers, {}); }
    [[nodiscard]] bool busy() const override { return !answers.empty(); }

    kernel::SnapshotPtr now = share(sample_snapshot());
    Result<std::string> reply = std::string("done\nreally");
    std::vector<std::string> sent;
    std::vector<Answer> answers;
};

class AppTest : public ::testing::Test {
protected:
    std::string text() {
        return view_text([&] { app_.draw_content(); });
    }
    void press(std::string_view chord) { app_.press(parse_chord(chord).value()); }

    UiContext ui_{1};
    FakeGuest guest_;
    App app_{guest_, choose_layout("h(50,t(Registers,Console),v(50,Maps,Commands))").value()};
};

TEST_F(AppTest, KeysBecomeCommands) {
    for (const char* chord : {"F5", "F8", "Esc", "F11", "F9"}) {
        press(chord);
    }
    EXPECT_THAT(guest_.sent, ElementsAre("continue", "pause", "pause", "step"));
}

TEST_F(AppTest, EscClosesTheOverlayBeforeItPauses) {
    press("?");
    press("Esc");
    EXPECT_THAT(guest_.sent, ElementsAre());
    press("Esc");
    EXPECT_THAT(guest_.sent, ElementsAre("pause"));
}

TEST_F(AppTest, AnswersStandInTheCommandPanel) {
    app_.panels().run_command("status");
    EXPECT_THAT(text(), HasSubstr("> status\ndone\nreally\n"));
    EXPECT_THAT(guest_.sent, ElementsAre("status"));
}

TEST_F(AppTest, AnErrorIsShownUntilTheNextCommand) {
    guest_.reply = fail("no such command", "stp", "did you mean step?");
    app_.panels().run_command("stp");
    EXPECT_THAT(text(), HasSubstr("! stp: no such command (hint: did you mean step?)"));
    guest_.reply = std::string("fine");
    press("F11");
    EXPECT_THAT(text(), Not(HasSubstr("! stp")));
}

TEST_F(AppTest, WholeWindowHasToolbarPanelsAndStatus) {
    const std::string shown = text();
    EXPECT_THAT(shown, HasSubstr("Continue (F5)"));
    EXPECT_THAT(shown, HasSubstr("|  rip | ffffffff81001234 |"));
    EXPECT_THAT(shown, HasSubstr("| counts | array |"));
    EXPECT_THAT(shown, HasSubstr("|| paused"));
}

TEST_F(AppTest, ChangesAreAgainstTheStopBefore) {
    guest_.now = share(sample_before());
    EXPECT_THAT(text(), Not(HasSubstr("*rax")));
    guest_.now = share(sample_snapshot());
    EXPECT_THAT(text(), HasSubstr("*rax"));
}

TEST_F(AppTest, ZoomStaysInItsRange) {
    for (int i = 0; i < 20; ++i) {
        press("Ctrl++");
    }
    EXPECT_EQ(app_.zoom(), 3.0F);
    press("Ctrl+0");
    EXPECT_EQ(app_.zoom(), 1.0F);
    for (int i = 0; i < 20; ++i) {
        press("Ctrl+-");
    }
    EXPECT_EQ(app_.zoom(), 0.75F);
}

TEST_F(AppTest, PresetsFollowEachOther) {
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < layout_presets().size(); ++i) {
        press("Ctrl+L");
        seen.push_back(layout_text(app_.layout()));
    }
    for (const LayoutPreset& preset : layout_presets()) {
        EXPECT_THAT(seen, ::testing::Contains(std::string(preset.layout)));
    }
}

TEST_F(AppTest, RightClickOnACellOffersItsTextUntilEsc) {
    const auto frame = [&](float y, bool right) {
        constexpr float kNameColumn = 30;
        begin_still_frame(ImVec2(1600, 2400), ImVec2(kNameColumn, y));
        ImGui::GetIO().MouseDown[ImGuiMouseButton_Right] = right;
        app_.draw();
        const bool open = ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopup);
        ImGui::EndFrame();
        return open;
    };
    // Somewhere among the names of registers, whatever its rows' exact height.
    float y = 40;
    bool open = false;
    for (; y < 200 && !open; y += 7) {
        frame(y, false);
        frame(y, false);
        EXPECT_FALSE(frame(y, true)) << "opens when the button is let go";
        frame(y, false);
        open = frame(y, false);
    }
    ASSERT_TRUE(open);
    press("Esc");
    frame(y, false);
    EXPECT_FALSE(frame(y, false));
    EXPECT_THAT(guest_.sent, ElementsAre()) << "Esc was the menu's";
}

TEST(StopHistory, ComparesWithTheStopBeforeOrTheStopThatWasLeft) {
    StopHistory history;
    const auto at = [](std::uint64_t instructions, bool running) {
        kernel::SessionSnapshot snapshot;
        snapshot.counters.instructions = instructions;
        snapshot.running = running;
        return share(std::move(snapshot));
    };
    const auto first = at(10, false);
    history.observe(first);
    EXPECT_EQ(history.before(), nullptr);
    history.observe(at(15, true));
    EXPECT_EQ(history.before(), first);
    const auto second = at(20, false);
    history.observe(second);
    EXPECT_EQ(history.before(), first);
    history.observe(at(20, false));  // published anew, nothing ran
    EXPECT_EQ(history.before(), first);
    history.observe(at(21, false));
    EXPECT_EQ(history.before()->counters.instructions, 20U);
}

}  // namespace
}  // namespace trapgate::gui
