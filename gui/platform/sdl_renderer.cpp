// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/sdl_renderer.hpp"

#include <cmath>

namespace trapgate::gui {

SdlRenderer::SdlRenderer(SDL_Renderer& renderer) : renderer_(renderer) {
    ImGuiIO& io = ImGui::GetIO();
    io.BackendRendererName = "trapgate SDL_Renderer";
    io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
}

SdlRenderer::~SdlRenderer() { SDL_DestroyTexture(font_); }

Result<void> SdlRenderer::upload_font() {
    ImFontAtlas& fonts = *ImGui::GetIO().Fonts;
    unsigned char* pixels = nullptr;
    int width = 0;
    int height = 0;
    fonts.GetTexDataAsRGBA32(&pixels, &width, &height);
    SDL_DestroyTexture(font_);
    font_ = SDL_CreateTexture(&renderer_, SDL_PIXELFORMAT_RGBA32, SDL_TEXTUREACCESS_STATIC, width,
                              height);
    if (font_ == nullptr || SDL_UpdateTexture(font_, nullptr, pixels, width * 4) != 0 ||
        SDL_SetTextureBlendMode(font_, SDL_BLENDMODE_BLEND) != 0 ||
        SDL_SetTextureScaleMode(font_, SDL_ScaleModeNearest) != 0) {
        return fail("the font cannot be made a texture", "SDL", SDL_GetError(), EIO);
    }
    fonts.SetTexID(font_);
    return {};
}

void SdlRenderer::draw(const ImDrawData& data) {
    SDL_RenderSetScale(&renderer_, data.FramebufferScale.x, data.FramebufferScale.y);
    SDL_RenderSetViewport(&renderer_, nullptr);
    SDL_RenderSetClipRect(&renderer_, nullptr);
    SDL_SetRenderDrawColor(&renderer_, 0, 0, 0, SDL_ALPHA_OPAQUE);
    SDL_RenderClear(&renderer_);
    for (int i = 0; i < data.CmdListsCount; ++i) {
        const ImDrawList& list = *data.CmdLists[i];
        for (const ImDrawCmd& command : list.CmdBuffer) {
            if (command.UserCallback == nullptr) {
                draw_command(data, list, command);
            } else if (command.UserCallback != ImDrawCallback_ResetRenderState) {
                command.UserCallback(&list, &command);
            }
        }
    }
    SDL_RenderSetClipRect(&renderer_, nullptr);
}

void SdlRenderer::draw_command(const ImDrawData& data, const ImDrawList& list,
                               const ImDrawCmd& command) {
    // In coordinates of the display: SDL applies the render scale to clip rectangles as well.
    const auto pixel = [](float value) { return static_cast<int>(std::lround(value)); };
    const SDL_Rect screen{0, 0, pixel(data.DisplaySize.x), pixel(data.DisplaySize.y)};
    const ImVec4& box = command.ClipRect;
    const SDL_Rect wanted{pixel(box.x - data.DisplayPos.x), pixel(box.y - data.DisplayPos.y),
                          pixel(box.z - box.x), pixel(box.w - box.y)};
    SDL_Rect clip;
    if (SDL_IntersectRect(&wanted, &screen, &clip) == SDL_FALSE) {
        return;
    }
    SDL_RenderSetClipRect(&renderer_, &clip);
    const ImDrawVert* vertices = list.VtxBuffer.Data + command.VtxOffset;
    constexpr int kStride = sizeof(ImDrawVert);
    // ImU32 colours are R, G, B, A in memory, which is what SDL_Color is.
    SDL_RenderGeometryRaw(
        &renderer_, static_cast<SDL_Texture*>(command.GetTexID()), &vertices->pos.x, kStride,
        reinterpret_cast<const SDL_Color*>(&vertices->col), kStride, &vertices->uv.x, kStride,
        list.VtxBuffer.Size - static_cast<int>(command.VtxOffset),
        list.IdxBuffer.Data + command.IdxOffset, static_cast<int>(command.ElemCount),
        sizeof(ImDrawIdx));
}

}  // namespace trapgate::gui
