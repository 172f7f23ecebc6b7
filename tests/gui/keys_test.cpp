// SPDX-License-Identifier: GPL-2.0-only
#include "gui/keys.hpp"

#include <SDL.h>
#include <gtest/gtest.h>

#include "gui/platform/key_names.hpp"

namespace trapgate::gui {
namespace {

SDL_Event key_down(SDL_Keycode code, Uint16 modifiers = KMOD_NONE) {
    SDL_Event event{};
    event.type = SDL_KEYDOWN;
    event.key.keysym.sym = code;
    event.key.keysym.mod = modifiers;
    return event;
}

SDL_Event typed(const char* text) {
    SDL_Event event{};
    event.type = SDL_TEXTINPUT;
    SDL_strlcpy(event.text.text, text, sizeof(event.text.text));
    return event;
}

TEST(Chords, AreWrittenAsTheyAreRead) {
    for (const char* text : {"F5", "Esc", "?", "Ctrl+Shift+F10", "Ctrl++", "Ctrl+-", "Alt+X"}) {
        const auto chord = parse_chord(text);
        ASSERT_TRUE(chord) << text;
        EXPECT_EQ(chord_text(*chord), text);
    }
    EXPECT_EQ(parse_chord("Shift+Ctrl+q").value(), parse_chord("Ctrl+Shift+Q").value());
}

TEST(Chords, RefuseWhatIsNoKey) {
    for (const char* text : {"", "F25", "F0", "Ctrl+", "Strg+X", "Escape"}) {
        EXPECT_FALSE(parse_chord(text)) << text;
    }
}

TEST(KeyMap, DoesWhatUsersHaveInTheirHands) {
    const KeyMap keys;
    const auto command = [&](const char* chord) {
        const ActionInfo* info = keys.find(parse_chord(chord).value());
        return info == nullptr ? "(none)" : info->command;
    };
    EXPECT_EQ(command("F5"), "continue");
    EXPECT_EQ(command("F8"), "pause");
    EXPECT_EQ(command("Esc"), "pause");
    EXPECT_EQ(command("F11"), "step");
    EXPECT_EQ(command("F12"), "(none)");
    EXPECT_EQ(command("Ctrl+F5"), "(none)");
    EXPECT_EQ(keys.keys_text(Action::Pause), "F8, Esc");
}

TEST(KeyMap, AReboundKeyIsTakenFromItsOldAction) {
    KeyMap keys;
    keys.bind(parse_chord("F8").value(), Action::Continue);
    EXPECT_EQ(keys.find(parse_chord("F8").value())->action, Action::Continue);
    EXPECT_EQ(keys.keys_text(Action::Pause), "Esc");
    EXPECT_EQ(keys.keys_text(Action::Continue), "F5, F8");
}

TEST(KeyNames, TranslateEvents) {
    const auto text = [](const SDL_Event& event) {
        const auto chord = chord_of(event);
        return chord ? chord_text(*chord) : "(none)";
    };
    EXPECT_EQ(text(key_down(SDLK_F5)), "F5");
    EXPECT_EQ(text(key_down(SDLK_F11, KMOD_LSHIFT)), "Shift+F11");
    EXPECT_EQ(text(key_down(SDLK_ESCAPE)), "Esc");
    EXPECT_EQ(text(key_down(SDLK_q, KMOD_LCTRL)), "Ctrl+Q");
    EXPECT_EQ(text(key_down(SDLK_EQUALS, KMOD_LCTRL | KMOD_LSHIFT)), "Ctrl++");
    EXPECT_EQ(text(key_down(SDLK_KP_MINUS, KMOD_RCTRL)), "Ctrl+-");
    EXPECT_EQ(text(typed("?")), "?");
    // A character without Ctrl comes as text; its key event must not count a second time.
    EXPECT_EQ(text(key_down(SDLK_SLASH, KMOD_LSHIFT)), "(none)");
    EXPECT_EQ(text(key_down(SDLK_LCTRL, KMOD_LCTRL)), "(none)");
}

}  // namespace
}  // namespace trapgate::gui
