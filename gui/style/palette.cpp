// SPDX-License-Identifier: GPL-2.0-only
#include "gui/style/palette.hpp"

namespace trapgate::gui {
namespace {

ImVec4 rgb(int value, float alpha = 1.0F) {
    return {static_cast<float>((value >> 16) & 0xff) / 255.0F,
            static_cast<float>((value >> 8) & 0xff) / 255.0F,
            static_cast<float>(value & 0xff) / 255.0F, alpha};
}

constexpr int kGround = 0x15181c;
constexpr int kRaised = 0x1f242a;
constexpr int kControl = 0x2d353e;
constexpr int kHover = 0x3c4855;
constexpr int kLine = 0x3a424b;
constexpr int kText = 0xe4e7ea;
constexpr int kDimText = 0x98a2ad;
constexpr int kOrange = 0xe69f00;
constexpr int kSkyBlue = 0x56b4e9;
constexpr int kBlue = 0x0072b2;
constexpr int kGreen = 0x2fc49a;       // bluish green, lightened for a dark ground
constexpr int kVermillion = 0xff7f3f;  // likewise

}  // namespace

ImVec4 tone_color(Tone tone) {
    switch (tone) {
        case Tone::Normal: return rgb(kText);
        case Tone::Dim: return rgb(kDimText);
        case Tone::Heading: return rgb(kSkyBlue);
        case Tone::Changed: return rgb(kOrange);
        case Tone::Good: return rgb(kGreen);
        case Tone::Bad: return rgb(kVermillion);
    }
    return rgb(kText);
}

ImU32 bar_fill_color() { return ImGui::ColorConvertFloat4ToU32(rgb(kBlue)); }
ImU32 bar_ground_color() { return ImGui::ColorConvertFloat4ToU32(rgb(kControl)); }

void apply_style(float scale) {
    ImGuiStyle style;
    ImGui::StyleColorsDark(&style);
    style.WindowRounding = style.ChildRounding = style.FrameRounding = style.TabRounding = 0;
    style.ScrollbarRounding = style.GrabRounding = style.PopupRounding = 0;
    style.WindowBorderSize = 0;
    style.PopupBorderSize = 1;
    style.FramePadding = ImVec2(6, 2);
    style.CellPadding = ImVec2(6, 1);
    style.ItemSpacing = ImVec2(8, 4);
    style.WindowPadding = ImVec2(6, 6);
    style.ScrollbarSize = 12;
    // Straight edges need no smoothing, and without it software rendering is exact and quick.
    style.AntiAliasedFill = false;
    style.AntiAliasedLines = false;
    style.AntiAliasedLinesUseTex = false;
    style.ScaleAllSizes(scale);

    ImVec4* colors = style.Colors;
    colors[ImGuiCol_Text] = rgb(kText);
    colors[ImGuiCol_TextDisabled] = rgb(kDimText);
    colors[ImGuiCol_WindowBg] = rgb(kGround);
    colors[ImGuiCol_ChildBg] = ImVec4();  // the window shows through
    colors[ImGuiCol_PopupBg] = rgb(kRaised);
    colors[ImGuiCol_Border] = colors[ImGuiCol_Separator] = rgb(kLine);
    colors[ImGuiCol_TitleBg] = colors[ImGuiCol_TitleBgActive] = rgb(kControl);
    colors[ImGuiCol_FrameBg] = colors[ImGuiCol_Button] = rgb(kControl);
    colors[ImGuiCol_FrameBgHovered] = colors[ImGuiCol_ButtonHovered] = rgb(kHover);
    colors[ImGuiCol_FrameBgActive] = colors[ImGuiCol_ButtonActive] = rgb(kBlue);
    colors[ImGuiCol_CheckMark] = colors[ImGuiCol_NavHighlight] = rgb(kSkyBlue);
    colors[ImGuiCol_Header] = rgb(kBlue, 0.45F);
    colors[ImGuiCol_HeaderHovered] = rgb(kBlue, 0.65F);
    colors[ImGuiCol_HeaderActive] = rgb(kBlue);
    colors[ImGuiCol_Tab] = colors[ImGuiCol_TabUnfocused] = rgb(kRaised);
    colors[ImGuiCol_TabActive] = colors[ImGuiCol_TabUnfocusedActive] = rgb(kControl);
    colors[ImGuiCol_TabHovered] = rgb(kHover);
    colors[ImGuiCol_TableHeaderBg] = rgb(kRaised);
    colors[ImGuiCol_TableBorderLight] = colors[ImGuiCol_TableBorderStrong] = rgb(kLine);
    colors[ImGuiCol_TableRowBgAlt] = rgb(0xffffff, 0.025F);
    colors[ImGuiCol_ScrollbarBg] = rgb(kGround);
    colors[ImGuiCol_ScrollbarGrab] = rgb(kControl);
    colors[ImGuiCol_ScrollbarGrabHovered] = rgb(kHover);
    colors[ImGuiCol_ScrollbarGrabActive] = rgb(kBlue);
    colors[ImGuiCol_SeparatorHovered] = colors[ImGuiCol_SeparatorActive] = rgb(kSkyBlue);
    ImGui::GetStyle() = style;
}

}  // namespace trapgate::gui
