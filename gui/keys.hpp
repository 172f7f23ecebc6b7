// SPDX-License-Identifier: GPL-2.0-only
// What can be done from the keyboard: one table of actions, one of keys. Knows no SDL;
// platform/key_names translates.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace trapgate::gui {

/// A key with its modifiers. Keys that write a character are that character, with upper-case
/// letters; the others have a name: "F5", "Esc".
struct Chord {
    std::string key;
    bool ctrl = false;
    bool shift = false;
    bool alt = false;
    bool operator==(const Chord&) const = default;
};

/// "Ctrl+Shift+F10". A character that needs Shift on some keyboards is written without: "?".
[[nodiscard]] Result<Chord> parse_chord(std::string_view text);
[[nodiscard]] std::string chord_text(const Chord& chord);

enum class Action { Continue, Pause, StepInto, NextLayout, ZoomIn, ZoomOut, ZoomReset, Help, Quit };

struct ActionInfo {
    Action action;
    std::string_view name;     ///< For configuration: "step-into".
    std::string_view help;     ///< One line for the overlay.
    std::string_view command;  ///< The machine's command; empty for what the window does itself.
    std::string_view keys;     ///< Default keys, separated by spaces.
};

/// Every action, in the order of the overlay.
[[nodiscard]] std::span<const ActionInfo> action_table();
[[nodiscard]] const ActionInfo& action_info(Action action);

/// Which key does what.
class KeyMap {
public:
    /// The defaults of the action table.
    KeyMap();
    /// Gives a key to an action; the key is taken from any other.
    void bind(const Chord& chord, Action action);
    /// The action of a key; null for none.
    [[nodiscard]] const ActionInfo* find(const Chord& chord) const;
    /// "F8, Esc"; empty for an action without a key.
    [[nodiscard]] std::string keys_text(Action action) const;

private:
    struct Binding {
        Chord chord;
        Action action;
    };
    std::vector<Binding> bindings_;
};

}  // namespace trapgate::gui
