// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <span>

#include <SDL.h>
#include <imgui.h>

#include "base/result.hpp"
#include "gui/platform/quad.hpp"

namespace trapgate::gui {

/// Draws Dear ImGui's triangles with SDL's 2D renderer. A GPU gets them as they are. SDL's software
/// renderer is slow at triangles and quick at rectangles, which nearly all of them are pairs for:
/// it gets those as fills and copies.
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
    void draw_triangles(std::span<const ImDrawVert> vertices, std::span<const ImDrawIdx> indices,
                        SDL_Texture* texture);
    void draw_quads(std::span<const ImDrawVert> vertices, std::span<const ImDrawIdx> indices,
                    SDL_Texture& texture);
    void draw_quad(const Quad& quad, SDL_Texture& texture);

    SDL_Renderer& renderer_;
    SDL_Texture* font_ = nullptr;
    bool software_;
};

}  // namespace trapgate::gui
