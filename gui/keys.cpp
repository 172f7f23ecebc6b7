// SPDX-License-Identifier: GPL-2.0-only
#include "gui/keys.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.hpp"

namespace trapgate::gui {
namespace {

constexpr std::array kActions = {
    ActionInfo{Action::Continue, "continue", "let the guest run", "continue", "F5"},
    ActionInfo{Action::Pause, "pause", "stop the guest where it is", "pause", "F8 Esc"},
    ActionInfo{Action::StepInto, "step-into", "run one instruction", "step", "F11"},
    ActionInfo{Action::NextLayout, "next-layout", "show the next layout preset", "", "Ctrl+L"},
    ActionInfo{Action::ZoomIn, "zoom-in", "larger text", "", "Ctrl++"},
    ActionInfo{Action::ZoomOut, "zoom-out", "smaller text", "", "Ctrl+-"},
    ActionInfo{Action::ZoomReset, "zoom-reset", "text at its first size", "", "Ctrl+0"},
    ActionInfo{Action::Help, "help", "show or hide this table", "", "? F1"},
    ActionInfo{Action::Quit, "quit", "close the window", "", "Ctrl+Q"},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool is_key_name(std::string_view key) {
    constexpr std::array<std::string_view, 13> kNamed = {
        "Esc", "Enter", "Tab",   "Space", "Backspace", "Delete", "Home",
        "End", "Left",  "Right", "Up",    "Down",      "Insert"};
    if (key.size() == 1) {
        return key[0] > ' ' && key[0] <= '~';
    }
    if (std::ranges::find(kNamed, key) != kNamed.end()) {
        return true;
    }
    constexpr int kFunctionKeys = 24;
    for (int i = 1; i <= kFunctionKeys; ++i) {
        if (key == fmt::format("F{}", i)) {
            return true;
        }
    }
    return false;
}

}  // namespace

Result<Chord> parse_chord(std::string_view text) {
    Chord chord;
    std::string_view rest = text;
    const auto take = [&rest](std::string_view modifier) {
        const bool there = rest.starts_with(modifier);
        rest.remove_prefix(there ? modifier.size() : 0);
        return there;
    };
    for (bool more = true; more;) {
        const bool ctrl = take("Ctrl+");
        const bool shift = take("Shift+");
        const bool alt = take("Alt+");
        chord.ctrl |= ctrl;
        chord.shift |= shift;
        chord.alt |= alt;
        more = ctrl || shift || alt;
    }
    chord.key = rest;
    if (chord.key.size() == 1) {
        chord.key[0] = upper(chord.key[0]);
    }
    if (!is_key_name(chord.key)) {
        return fail(fmt::format("'{}' is not a key", chord.key), fmt::format("key '{}'", text),
                    "keys look like F5, ?, Esc or Ctrl+Shift+P");
    }
    return chord;
}

std::string chord_text(const Chord& chord) {
    return fmt::format("{}{}{}{}", chord.ctrl ? "Ctrl+" : "", chord.shift ? "Shift+" : "",
                       chord.alt ? "Alt+" : "", chord.key);
}

std::span<const ActionInfo> action_table() { return kActions; }

const ActionInfo& action_info(Action action) {
    const auto* const found = std::ranges::find(kActions, action, &ActionInfo::action);
    TG_CHECK(found != kActions.end(), "every action is in the table");
    return *found;
}

KeyMap::KeyMap() {
    for (const ActionInfo& info : kActions) {
        std::string_view keys = info.keys;
        while (!keys.empty()) {
            const std::size_t end = std::min(keys.find(' '), keys.size());
            const auto chord = parse_chord(keys.substr(0, end));
            TG_CHECK(chord.has_value(), "the action table names keys that exist");
            bind(*chord, info.action);
            keys.remove_prefix(std::min(end + 1, keys.size()));
        }
    }
}

void KeyMap::bind(const Chord& chord, Action action) {
    std::erase_if(bindings_, [&](const Binding& binding) { return binding.chord == chord; });
    bindings_.push_back({chord, action});
}

const ActionInfo* KeyMap::find(const Chord& chord) const {
    const auto found = std::ranges::find(bindings_, chord, &Binding::chord);
    return found == bindings_.end() ? nullptr : &action_info(found->action);
}

std::string KeyMap::keys_text(Action action) const {
    std::string text;
    for (const Binding& binding : bindings_) {
        if (binding.action == action) {
            text += fmt::format("{}{}", text.empty() ? "" : ", ", chord_text(binding.chord));
        }
    }
    return text;
}

}  // namespace trapgate::gui
