// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cfloat>
#include <functional>
#include <string>

#include <imgui.h>

namespace trapgate::gui {

/// Owns Dear ImGui's state (which is global: one at a time), with our style and the built-in font,
/// and nothing read from or written to disk.
class UiContext {
public:
    /// `scale` 1 is 96 dots per inch.
    explicit UiContext(float scale);
    ~UiContext();
    UiContext(const UiContext&) = delete;
    UiContext& operator=(const UiContext&) = delete;

    /// Rebuilds font and style; between frames. The renderer's copy of the font is then out of
    /// date.
    void set_scale(float scale);
    [[nodiscard]] float scale() const { return scale_; }

private:
    ImGuiContext* context_;
    float scale_ = 0;
};

/// Fills the IO for a frame that no window backs: size in pixels and a fixed time step, so that a
/// picture depends on nothing else. Without a mouse unless one is put somewhere.
void begin_still_frame(ImVec2 size, ImVec2 mouse = ImVec2(-FLT_MAX, -FLT_MAX));

/// What `draw` writes into a window, as text: items from left to right, cells behind '|'. Three
/// frames, the last one counts. `size` as for a picture: it decides what has room.
[[nodiscard]] std::string view_text(const std::function<void()>& draw,
                                    ImVec2 size = ImVec2(1600, 2400));

}  // namespace trapgate::gui
