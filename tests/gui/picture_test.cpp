// SPDX-License-Identifier: GPL-2.0-only
#include "gui/platform/picture.hpp"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "gui/app.hpp"
#include "gui/layout/presets.hpp"
#include "gui/platform/ui_context.hpp"
#include "tests/gui/sample.hpp"

namespace trapgate::gui {
namespace {

constexpr int kWidth = 1280;
constexpr int kHeight = 720;

Picture draw(std::string_view layout, float scale = 1, bool help = false) {
    UiContext ui(scale);
    StillGuest guest(testing::share(testing::sample_snapshot()));
    App app(guest, choose_layout(layout).value());
    if (help) {
        app.act(Action::Help);
    }
    app.panels().selected_map = 3;
    return render_picture(kWidth, kHeight, [&] { app.draw(); }).value();
}

// Leaves the picture where a person can look at it; says where.
std::string keep(const Picture& picture, const std::string& name) {
    const std::filesystem::path folder = std::filesystem::current_path() / "artefacts" / "gui";
    std::filesystem::create_directories(folder);
    const std::filesystem::path file = folder / name;
    EXPECT_TRUE(write_file(file, png_bytes(picture)));
    return "picture: " + file.string();
}

std::size_t colors_of(const Picture& picture) {
    std::set<std::uint32_t> colors;
    for (std::size_t i = 0; i + 4 <= picture.rgba.size(); i += 4) {
        std::uint32_t color = 0;
        std::memcpy(&color, &picture.rgba[i], sizeof(color));
        colors.insert(color);
    }
    return colors.size();
}

class PresetPictures : public ::testing::TestWithParam<std::string> {};

TEST_P(PresetPictures, AreOfTheRightSizeAndNotBlank) {
    const Picture picture = draw(GetParam());
    SCOPED_TRACE(keep(picture, GetParam() + ".png"));
    EXPECT_EQ(picture.width, kWidth);
    EXPECT_EQ(picture.height, kHeight);
    ASSERT_EQ(picture.rgba.size(), std::size_t{4} * kWidth * kHeight);
    EXPECT_GT(colors_of(picture), 8U);
}

TEST_P(PresetPictures, AreTheSameByteForByteWhenDrawnAgain) {
    const Picture first = draw(GetParam());
    const Picture second = draw(GetParam());
    EXPECT_TRUE(first == second) << keep(first, GetParam() + "-first.png") << '\n'
                                 << keep(second, GetParam() + "-second.png");
    EXPECT_TRUE(png_bytes(first) == png_bytes(second));
}

INSTANTIATE_TEST_SUITE_P(Presets, PresetPictures, ::testing::Values("Debug", "BPF", "Machine"),
                         [](const auto& preset) { return preset.param; });

TEST(Picture, OverlayAndScaleChangeIt) {
    const Picture plain = draw("Debug");
    const Picture help = draw("Debug", 1, true);
    const Picture large = draw("Debug", 2);
    SCOPED_TRACE(keep(help, "help.png"));
    SCOPED_TRACE(keep(large, "scale-2.png"));
    EXPECT_FALSE(plain == help);
    EXPECT_FALSE(plain == large);
}

TEST(Picture, PngSaysItsSize) {
    const std::string png = png_bytes(Picture{2, 3, std::vector<std::byte>(24)});
    ASSERT_GT(png.size(), 24U);
    EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
    EXPECT_EQ(png[19], 2);  // IHDR: width, then height, big endian
    EXPECT_EQ(png[23], 3);
}

TEST(Picture, ASizeThatCannotBeIsAnError) {
    UiContext ui(1);
    const auto picture = render_picture(-1, 10, [] {});
    ASSERT_FALSE(picture);
    EXPECT_FALSE(picture.error().what.empty());
}

}  // namespace
}  // namespace trapgate::gui
