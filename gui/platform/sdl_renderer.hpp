// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <SDL.h>
#include <imgui.h>

#include "base/result.hpp"

namespace trapgate::gui {

/// Draws Dear ImGui's triangles with SDL's 2D renderer: any of its backends, the software one
/// included.
class SdlRenderer {
public:
    /// `renderer` must outlive this object.
    explicit SdlRenderer(SDL_Renderer& renderer);
    ~SdlRenderer();
    SdlRenderer(const SdlRenderer&) = delete;
    SdlRenderer& operator=(const SdlRenderer&) = delete;

    /// Copies the font atlas into a texture; again after each change of the fonts.
    Result<void> upload_font();
    /// Clears the target and draws one frame (of ImGui::Render()).
    void draw(const ImDrawData& data);

private:
    void draw_command(const ImDrawData& data, const ImDrawList& list, const ImDrawCmd& command);

    SDL_Renderer& renderer_;
    SDL_Texture* font_ = nullptr;
};

}  // namespace trapgate::gui
