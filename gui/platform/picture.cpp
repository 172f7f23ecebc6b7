// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/picture.hpp"

#include <cstring>
#include <memory>

#include <SDL.h>
#include <stb_image_write.h>

#include "base/check.hpp"
#include "gui/platform/sdl_renderer.hpp"
#include "gui/platform/ui_context.hpp"

namespace trapgate::gui {
namespace {

constexpr int kBytesPerPixel = 4;
// Tables know their columns after two frames, what follows their end scrolls there in the next one.
constexpr int kFrames = 5;

using Surface = std::unique_ptr<SDL_Surface, decltype(&SDL_FreeSurface)>;
using Renderer = std::unique_ptr<SDL_Renderer, decltype(&SDL_DestroyRenderer)>;

tl::unexpected<Error> sdl_error(const char* what) { return fail(what, "SDL", SDL_GetError(), EIO); }

Picture copy_pixels(const SDL_Surface& surface) {
    Picture picture{.width = surface.w, .height = surface.h, .rgba = {}};
    const std::size_t row = static_cast<std::size_t>(surface.w) * kBytesPerPixel;
    picture.rgba.resize(row * static_cast<std::size_t>(surface.h));
    for (int y = 0; y < surface.h; ++y) {
        std::memcpy(picture.rgba.data() + row * static_cast<std::size_t>(y),
                    static_cast<const std::byte*>(surface.pixels) +
                        static_cast<std::ptrdiff_t>(surface.pitch) * y,
                    row);
    }
    return picture;
}

}  // namespace

Result<Picture> render_picture(int width, int height, const std::function<void()>& draw) {
    const Surface surface(SDL_CreateRGBSurfaceWithFormat(0, width, height, 8 * kBytesPerPixel,
                                                         SDL_PIXELFORMAT_RGBA32),
                          SDL_FreeSurface);
    if (!surface) {
        return sdl_error("no picture of this size can be made");
    }
    const Renderer renderer(SDL_CreateSoftwareRenderer(surface.get()), SDL_DestroyRenderer);
    if (!renderer) {
        return sdl_error("there is no software renderer");
    }
    SdlRenderer backend(*renderer);
    if (auto uploaded = backend.upload_font(); !uploaded) {
        return tl::unexpected(uploaded.error());
    }
    for (int frame = 0; frame < kFrames; ++frame) {
        begin_still_frame(ImVec2(static_cast<float>(width), static_cast<float>(height)));
        draw();
        ImGui::Render();
        backend.draw(*ImGui::GetDrawData());
        SDL_RenderPresent(renderer.get());
    }
    return copy_pixels(*surface);
}

std::string png_bytes(const Picture& picture) {
    std::string bytes;
    const auto append = [](void* to, void* from, int count) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(from),
                                              static_cast<std::size_t>(count));
    };
    const int written = stbi_write_png_to_func(append, &bytes, picture.width, picture.height,
                                               kBytesPerPixel, picture.rgba.data(),
                                               picture.width * kBytesPerPixel);
    TG_CHECK(written != 0, "a picture in memory can always be compressed");
    return bytes;
}

}  // namespace trapgate::gui
