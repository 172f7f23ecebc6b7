// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/ui_context.hpp"

#include <cmath>

#include <imgui_internal.h>

#include "base/check.hpp"
#include "gui/style/palette.hpp"

namespace trapgate::gui {
namespace {

// Layout is known after the first frame, scroll positions after the second.
constexpr int kSettlingFrames = 3;
constexpr float kBuiltInFontPixels = 13;

}  // namespace

UiContext::UiContext(float scale) {
    TG_CHECK(ImGui::GetCurrentContext() == nullptr, "one UiContext at a time");
    context_ = ImGui::CreateContext();
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.LogFilename = nullptr;
    io.ConfigWindowsMoveFromTitleBarOnly = true;
    set_scale(scale);
}

UiContext::~UiContext() { ImGui::DestroyContext(context_); }

void UiContext::set_scale(float scale) {
    if (scale == scale_) {
        return;
    }
    scale_ = scale;
    ImFontAtlas& fonts = *ImGui::GetIO().Fonts;
    fonts.Clear();
    ImFontConfig font;
    font.SizePixels = std::round(kBuiltInFontPixels * scale);
    // The font is drawn on a 13-pixel grid; between whole multiples, smoothing helps.
    font.OversampleH = font.OversampleV = 1;
    font.PixelSnapH = true;
    fonts.AddFontDefault(&font);
    // What a line's ends and rounded corners would need; straight lines need none of it.
    fonts.Flags |= ImFontAtlasFlags_NoBakedLines;
    fonts.Build();
    apply_style(scale);
}

void begin_still_frame(ImVec2 size, ImVec2 mouse) {
    constexpr float kFrameSeconds = 1.0F / 60;
    ImGuiIO& io = ImGui::GetIO();
    io.DisplaySize = size;
    io.DeltaTime = kFrameSeconds;
    io.MousePos = mouse;
    ImGui::NewFrame();
}

std::string view_text(const std::function<void()>& draw, ImVec2 size) {
    std::string text;
    for (int frame = 0; frame < kSettlingFrames; ++frame) {
        begin_still_frame(size);
        ImGui::SetNextWindowPos(ImVec2(0, 0));
        ImGui::SetNextWindowSize(size);
        ImGui::Begin("view", nullptr, ImGuiWindowFlags_NoDecoration);
        ImGui::LogToBuffer();
        draw();
        text = ImGui::GetCurrentContext()->LogBuffer.c_str();
        ImGui::LogFinish();
        ImGui::End();
        ImGui::EndFrame();
    }
    text.erase(0, text.find_first_not_of('\n'));
    return text + "\n";
}

}  // namespace trapgate::gui
