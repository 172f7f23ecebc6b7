// SPDX-License-Identifier: GPL-2.0-only
// The real event loop with SDL's dummy video driver: keys in, commands out.
#include "gui/platform/window.hpp"

#include <cstdlib>

#include <SDL.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gui/layout/presets.hpp"
#include "tests/gui/sample.hpp"

namespace trapgate::gui {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Presses the next key each time it is asked for a snapshot, and in the end closes the window.
class KeyPresser : public Guest {
public:
    [[nodiscard]] kernel::SnapshotPtr snapshot() const override {
        if (!keys.empty()) {
            SDL_Event event{};
            event.type = SDL_KEYDOWN;
            event.key.keysym.sym = keys.front();
            event.key.keysym.mod = keys.front() == SDLK_EQUALS ? KMOD_LCTRL : KMOD_NONE;
            SDL_PushEvent(&event);
            keys.erase(keys.begin());
        } else {
            SDL_Event event{};
            event.type = SDL_QUIT;
            SDL_PushEvent(&event);
        }
        return still;
    }
    void send(std::string line) override { sent.push_back(std::move(line)); }
    [[nodiscard]] std::vector<Answer> take_answers() override { return {}; }
    [[nodiscard]] bool busy() const override { return false; }

    mutable std::vector<SDL_Keycode> keys;
    std::vector<std::string> sent;
    kernel::SnapshotPtr still = testing::share(testing::sample_snapshot());
};

class WindowTest : public ::testing::Test {
protected:
    void TearDown() override { ::unsetenv("SDL_VIDEODRIVER"); }
    UiContext ui_{1};
    KeyPresser guest_;
    App app_{guest_, choose_layout("Debug").value()};
};

TEST_F(WindowTest, KeysReachTheMachineAndQuitEndsTheLoop) {
    ::setenv("SDL_VIDEODRIVER", "dummy", 1);
    guest_.keys = {SDLK_F5, SDLK_F8, SDLK_F11, SDLK_ESCAPE, SDLK_EQUALS};
    const auto shown = run_window(app_, ui_, {.title = "test", .scale = 1});
    ASSERT_TRUE(shown) << shown.error().message();
    EXPECT_THAT(guest_.sent, ElementsAre("continue", "pause", "step", "pause"));
    EXPECT_EQ(app_.zoom(), 1.25F) << "Ctrl and = enlarge";
    EXPECT_TRUE(app_.quit());
}

TEST_F(WindowTest, SaysSoWhereThereIsNoDisplay) {
    if (std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr) {
        GTEST_SKIP() << "there is a display here";
    }
    ::unsetenv("SDL_VIDEODRIVER");
    const auto shown = run_window(app_, ui_, {.title = "test"});
    ASSERT_FALSE(shown);
    EXPECT_THAT(shown.error().hint, HasSubstr("--screenshot"));
}

}  // namespace
}  // namespace trapgate::gui
