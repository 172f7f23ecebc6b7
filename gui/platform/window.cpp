// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/window.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <SDL.h>
#include <backends/imgui_impl_sdl.h>
#include <fmt/format.h>
#include <imgui.h>

#include "gui/platform/key_names.hpp"
#include "gui/platform/sdl_renderer.hpp"

namespace trapgate::gui {
namespace {

constexpr Uint64 kFrameMilliseconds = 16;
constexpr int kIdleMilliseconds = 250;
// After an event: hover, layout and scrolling settle over a few frames.
constexpr int kFramesAfterEvent = 4;

using Window = std::unique_ptr<SDL_Window, decltype(&SDL_DestroyWindow)>;
using Renderer = std::unique_ptr<SDL_Renderer, decltype(&SDL_DestroyRenderer)>;

struct Video {
    Video() : ok(SDL_InitSubSystem(SDL_INIT_VIDEO) == 0) {}
    ~Video() {
        if (ok) {
            SDL_QuitSubSystem(SDL_INIT_VIDEO);
        }
    }
    Video(const Video&) = delete;
    Video& operator=(const Video&) = delete;
    bool ok;
};

// Without a display SDL quietly takes a driver that shows nothing; asked for by name, that is
// wanted.
Result<void> check_display(const Video& video) {
    constexpr const char*
        kHint = "set DISPLAY or WAYLAND_DISPLAY, or draw without a display: --screenshot FILE.png";
    if (!video.ok) {
        return fail("no window can be opened", SDL_GetError(), kHint, ENODEV);
    }
    const std::string_view driver = SDL_GetCurrentVideoDriver();
    const bool shows_nothing = driver == "offscreen" || driver == "dummy";
    if (shows_nothing && std::getenv("SDL_VIDEODRIVER") == nullptr) {
        return fail("there is no display", {}, kHint, ENODEV);
    }
    return {};
}

float display_scale() {
    constexpr float kDotsPerInch = 96;
    constexpr float kStep = 0.25F;
    float dots = kDotsPerInch;
    if (SDL_GetDisplayDPI(0, &dots, nullptr, nullptr) != 0) {
        return 1;
    }
    return std::clamp(std::round(dots / kDotsPerInch / kStep) * kStep, 1.0F, 3.0F);
}

// Keys that type or edit; while a text field has the focus, only the others are the key table's.
bool text_field_uses(const Chord& chord) {
    constexpr std::string_view kEditing = "ACVXYZ";
    if (chord.ctrl && chord.key.size() == 1) {
        return kEditing.find(chord.key[0]) != std::string_view::npos;
    }
    const bool function_key = chord.key.size() > 1 && chord.key[0] == 'F';
    return !function_key;
}

Window open_window(const WindowOptions& options, float scale) {
    const auto scaled = [scale](int length) {
        return static_cast<int>(static_cast<float>(length) * scale);
    };
    SDL_Rect room{0, 0, scaled(options.width), scaled(options.height)};
    SDL_GetDisplayUsableBounds(0, &room);
    return {SDL_CreateWindow(options.title.c_str(), SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
                             std::min(scaled(options.width), room.w),
                             std::min(scaled(options.height), room.h),
                             SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI),
            SDL_DestroyWindow};
}

Renderer open_renderer(SDL_Window& window) {
    for (const Uint32 flags : {Uint32{SDL_RENDERER_ACCELERATED | SDL_RENDERER_PRESENTVSYNC},
                               Uint32{SDL_RENDERER_ACCELERATED}, Uint32{SDL_RENDERER_SOFTWARE}}) {
        if (SDL_Renderer* renderer = SDL_CreateRenderer(&window, -1, flags)) {
            return {renderer, SDL_DestroyRenderer};
        }
    }
    return {nullptr, SDL_DestroyRenderer};
}

// Dear ImGui's own platform backend for SDL: mouse, text, clipboard, cursors.
struct Platform {
    explicit Platform(SDL_Window& window) { ImGui_ImplSDL2_InitForSDLRenderer(&window); }
    ~Platform() { ImGui_ImplSDL2_Shutdown(); }
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;
};

class Loop {
public:
    Loop(App& app, UiContext& ui, SDL_Renderer& renderer, float scale)
        : app_(app), ui_(ui), target_(renderer), renderer_(renderer), scale_(scale) {}

    Result<void> run() {
        ui_.set_scale(scale_ * app_.zoom());
        if (auto font = renderer_.upload_font(); !font) {
            return font;
        }
        while (!app_.quit()) {
            const Uint64 start = SDL_GetTicks64();
            take_events();
            if (frames_ == 0 && !app_.live()) {
                continue;
            }
            frames_ = std::max(frames_ - 1, 0);
            if (auto drawn = draw(); !drawn) {
                return drawn;
            }
            // With vertical synchronisation the frame has lasted as long by itself.
            const Uint64 spent = SDL_GetTicks64() - start;
            if (spent < kFrameMilliseconds) {
                SDL_Delay(static_cast<Uint32>(kFrameMilliseconds - spent));
            }
        }
        return {};
    }

private:
    void take_events() {
        SDL_Event event;
        const bool idle = frames_ == 0 && !app_.live();
        bool more = idle ? SDL_WaitEventTimeout(&event, kIdleMilliseconds) != 0
                         : SDL_PollEvent(&event) != 0;
        for (; more; more = SDL_PollEvent(&event) != 0) {
            frames_ = kFramesAfterEvent;
            ImGui_ImplSDL2_ProcessEvent(&event);
            if (event.type == SDL_QUIT) {
                app_.act(Action::Quit);
            } else if (const auto chord = chord_of(event)) {
                press(*chord);
            }
        }
        if (app_.live()) {
            frames_ = kFramesAfterEvent;  // The last snapshot is shown as well.
        }
    }

    void press(const Chord& chord) {
        if (!ImGui::GetIO().WantTextInput || !text_field_uses(chord)) {
            app_.press(chord);
        }
    }

    Result<void> draw() {
        if (ui_.scale() != scale_ * app_.zoom()) {
            ui_.set_scale(scale_ * app_.zoom());
            if (auto font = renderer_.upload_font(); !font) {
                return font;
            }
        }
        ImGui_ImplSDL2_NewFrame();
        ImGui::NewFrame();
        app_.draw();
        ImGui::Render();
        renderer_.draw(*ImGui::GetDrawData());
        SDL_RenderPresent(&target_);
        return {};
    }

    App& app_;
    UiContext& ui_;
    SDL_Renderer& target_;
    SdlRenderer renderer_;
    float scale_;
    int frames_ = kFramesAfterEvent;
};

}  // namespace

Result<void> run_window(App& app, UiContext& ui, const WindowOptions& options) {
    // A window among others: neither full-screen tricks of the desktop nor a screen that stays on.
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    const Video video;
    if (auto display = check_display(video); !display) {
        return display;
    }
    const float scale = options.scale > 0 ? options.scale : display_scale();
    const Window window = open_window(options, scale);
    if (!window) {
        return fail("no window can be opened", "SDL", SDL_GetError(), ENODEV);
    }
    const Renderer renderer = open_renderer(*window);
    if (!renderer) {
        return fail("nothing can be drawn into the window", "SDL", SDL_GetError(), ENODEV);
    }
    const Platform platform(*window);
    return Loop(app, ui, *renderer, scale).run();
}

}  // namespace trapgate::gui
