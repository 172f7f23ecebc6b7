// SPDX-License-Identifier: GPL-2.0-only
// The colours of the window. Meanings, not colours, are what panels name.
//
// The accents are those of Okabe and Ito ("Color Universal Design", 2008), told apart by people
// with any of the common colour-vision deficiencies; the lighter of each pair is used, on a dark
// ground. No meaning rests on colour alone: a changed value also has a '*', a state is also a word,
// a fill bar also has numbers.
#pragma once

#include <imgui.h>

namespace trapgate::gui {

/// What a piece of text means.
enum class Tone {
    Normal,
    Dim,  ///< Present, but not what one looks for: names, zeros, units.
    Heading,
    Changed,  ///< Differs from the last stop. Written with a '*' as well.
    Good,     ///< Running, or ended well.
    Bad,      ///< Failed, lost, refused.
};

[[nodiscard]] ImVec4 tone_color(Tone tone);

/// The filled and the empty part of a bar.
[[nodiscard]] ImU32 bar_fill_color();
[[nodiscard]] ImU32 bar_ground_color();

/// Sets the current context's style for `scale` (1 = 96 dots per inch).
void apply_style(float scale);

}  // namespace trapgate::gui
