// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/sdl_renderer.hpp"

#include <cmath>

namespace trapgate::gui {

namespace {

bool is_software(SDL_Renderer& renderer) {
    SDL_RendererInfo info;
    return SDL_GetRendererInfo(&renderer, &info) == 0 && (info.flags & SDL_RENDERER_SOFTWARE) != 0;
}

// The first pixel whose centre is not before an edge.
int first_pixel(float edge) { return static_cast<int>(std::ceil(edge - 0.5F)); }

SDL_Color color_of(ImU32 color) {
    const auto part = [color](int shift) { return static_cast<Uint8>(color >> shift); };
    return {part(IM_COL32_R_SHIFT), part(IM_COL32_G_SHIFT), part(IM_COL32_B_SHIFT),
            part(IM_COL32_A_SHIFT)};
}

}  // namespace

SdlRenderer::SdlRenderer(SDL_Renderer& renderer)
    : renderer_(renderer), software_(is_software(renderer)) {
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
    const auto offset = static_cast<std::size_t>(command.VtxOffset);
    const std::span vertices = std::span(list.VtxBuffer.Data, list.VtxBuffer.size())
                                   .subspan(offset);
    const std::span indices(list.IdxBuffer.Data + command.IdxOffset, command.ElemCount);
    auto* const texture = static_cast<SDL_Texture*>(command.GetTexID());
    if (software_ && texture != nullptr) {
        draw_quads(vertices, indices, *texture);
    } else {
        draw_triangles(vertices, indices, texture);
    }
}

void SdlRenderer::draw_triangles(std::span<const ImDrawVert> vertices,
                                 std::span<const ImDrawIdx> indices, SDL_Texture* texture) {
    if (indices.empty()) {
        return;
    }
    constexpr int kStride = sizeof(ImDrawVert);
    const ImDrawVert& first = vertices.front();
    // ImU32 colours are R, G, B, A in memory, which is what SDL_Color is.
    SDL_RenderGeometryRaw(&renderer_, texture, &first.pos.x, kStride,
                          reinterpret_cast<const SDL_Color*>(&first.col), kStride, &first.uv.x,
                          kStride, static_cast<int>(vertices.size()), indices.data(),
                          static_cast<int>(indices.size()), sizeof(ImDrawIdx));
}

void SdlRenderer::draw_quads(std::span<const ImDrawVert> vertices,
                             std::span<const ImDrawIdx> indices, SDL_Texture& texture) {
    std::size_t begin = 0;  // of triangles that wait to be drawn
    std::size_t at = 0;
    const auto flush = [&] {
        if (begin < at) {
            SDL_SetTextureColorMod(&texture, 255, 255, 255);
            SDL_SetTextureAlphaMod(&texture, 255);
            draw_triangles(vertices, indices.subspan(begin, at - begin), &texture);
        }
    };
    while (at < indices.size()) {
        const auto quad = quad_at(vertices, indices.subspan(at));
        if (!quad) {
            at += 3;
            continue;
        }
        flush();
        draw_quad(*quad, texture);
        at += kQuadIndices;
        begin = at;
    }
    flush();
}

void SdlRenderer::draw_quad(const Quad& quad, SDL_Texture& texture) {
    const int left = first_pixel(quad.from.x);
    const int top = first_pixel(quad.from.y);
    const SDL_Rect to{left, top, first_pixel(quad.to.x) - left, first_pixel(quad.to.y) - top};
    const SDL_Color color = color_of(quad.color);
    if (to.w <= 0 || to.h <= 0 || color.a == 0) {
        return;
    }
    if (quad.plain) {
        SDL_SetRenderDrawColor(&renderer_, color.r, color.g, color.b, color.a);
        SDL_SetRenderDrawBlendMode(
            &renderer_, color.a == SDL_ALPHA_OPAQUE ? SDL_BLENDMODE_NONE : SDL_BLENDMODE_BLEND);
        SDL_RenderFillRect(&renderer_, &to);
        return;
    }
    const ImFontAtlas& fonts = *ImGui::GetIO().Fonts;
    const auto texel = [](float part, int size) {
        return static_cast<int>(std::lround(part * static_cast<float>(size)));
    };
    const int u = texel(quad.uv_from.x, fonts.TexWidth);
    const int v = texel(quad.uv_from.y, fonts.TexHeight);
    const SDL_Rect from{u, v, texel(quad.uv_to.x, fonts.TexWidth) - u,
                        texel(quad.uv_to.y, fonts.TexHeight) - v};
    SDL_SetTextureColorMod(&texture, color.r, color.g, color.b);
    SDL_SetTextureAlphaMod(&texture, color.a);
    SDL_RenderCopy(&renderer_, &texture, &from, &to);
}

}  // namespace trapgate::gui
