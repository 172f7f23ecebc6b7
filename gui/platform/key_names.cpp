// SPDX-License-Identifier: GPL-2.0-only
// Characters come from text events, so that "?" is "?" on any keyboard; everything else, and
// characters with Ctrl or Alt (for which there is no text event), from key events.
#include "gui/platform/key_names.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

namespace trapgate::gui {
namespace {

struct NamedKey {
    SDL_Keycode code;
    std::string_view name;
};

constexpr std::array kNamedKeys = {NamedKey{SDLK_ESCAPE, "Esc"},
                                   NamedKey{SDLK_RETURN, "Enter"},
                                   NamedKey{SDLK_KP_ENTER, "Enter"},
                                   NamedKey{SDLK_TAB, "Tab"},
                                   NamedKey{SDLK_BACKSPACE, "Backspace"},
                                   NamedKey{SDLK_DELETE, "Delete"},
                                   NamedKey{SDLK_HOME, "Home"},
                                   NamedKey{SDLK_END, "End"},
                                   NamedKey{SDLK_LEFT, "Left"},
                                   NamedKey{SDLK_RIGHT, "Right"},
                                   NamedKey{SDLK_UP, "Up"},
                                   NamedKey{SDLK_DOWN, "Down"},
                                   NamedKey{SDLK_INSERT, "Insert"},
                                   NamedKey{SDLK_SPACE, "Space"}};

// With Ctrl, the keys that enlarge and shrink, wherever a keyboard has them.
constexpr std::array kZoomKeys = {NamedKey{SDLK_PLUS, "+"},     NamedKey{SDLK_EQUALS, "+"},
                                  NamedKey{SDLK_KP_PLUS, "+"},  NamedKey{SDLK_MINUS, "-"},
                                  NamedKey{SDLK_KP_MINUS, "-"}, NamedKey{SDLK_KP_0, "0"}};

template <class Keys>
std::optional<std::string> name_in(const Keys& keys, SDL_Keycode code) {
    const auto* const found = std::ranges::find(keys, code, &NamedKey::code);
    return found == keys.end() ? std::nullopt : std::optional(std::string(found->name));
}

std::optional<std::string> function_key(SDL_Keycode code) {
    if (code >= SDLK_F1 && code <= SDLK_F12) {
        return fmt::format("F{}", code - SDLK_F1 + 1);
    }
    if (code >= SDLK_F13 && code <= SDLK_F24) {
        return fmt::format("F{}", code - SDLK_F13 + 13);
    }
    return std::nullopt;
}

bool prints(SDL_Keycode code) { return code > ' ' && code <= '~'; }

std::optional<Chord> chord_of_key(const SDL_Keysym& key) {
    Chord chord{.key = {},
                .ctrl = (key.mod & KMOD_CTRL) != 0,
                .shift = (key.mod & KMOD_SHIFT) != 0,
                .alt = (key.mod & KMOD_ALT) != 0};
    if (chord.ctrl) {
        if (auto zoom = name_in(kZoomKeys, key.sym)) {
            chord.key = *zoom;
            chord.shift = false;
            return chord;
        }
    }
    auto name = name_in(kNamedKeys, key.sym);
    if (!name) {
        name = function_key(key.sym);
    }
    if (!name && prints(key.sym) && (chord.ctrl || chord.alt)) {
        name = std::string(1, static_cast<char>(SDL_toupper(static_cast<int>(key.sym))));
    }
    if (!name) {
        return std::nullopt;
    }
    chord.key = *name;
    return chord;
}

}  // namespace

std::optional<Chord> chord_of(const SDL_Event& event) {
    if (event.type == SDL_KEYDOWN) {
        return chord_of_key(event.key.keysym);
    }
    if (event.type == SDL_TEXTINPUT) {
        const std::string text = event.text.text;
        if (text.size() == 1 && prints(static_cast<unsigned char>(text[0]))) {
            Chord chord;
            chord.key = std::string(1, static_cast<char>(SDL_toupper(text[0])));
            return chord;
        }
    }
    return std::nullopt;
}

}  // namespace trapgate::gui
