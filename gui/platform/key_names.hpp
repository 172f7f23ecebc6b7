// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>

#include <SDL.h>

#include "gui/keys.hpp"

namespace trapgate::gui {

/// What was pressed, in the words of the key table; nothing for events that are no key, and for
/// modifiers alone. The only place that knows SDL's key codes.
[[nodiscard]] std::optional<Chord> chord_of(const SDL_Event& event);

}  // namespace trapgate::gui
