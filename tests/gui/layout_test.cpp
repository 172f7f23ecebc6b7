// SPDX-License-Identifier: GPL-2.0-only
#include "gui/layout/layout.hpp"

#include <array>
#include <ostream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gui/layout/presets.hpp"
#include "gui/panels/panel.hpp"

namespace trapgate::gui {
namespace {

using ::testing::HasSubstr;

constexpr std::array<std::string_view, 4> kPanels = {"Registers", "Console", "Maps", "Rings"};

TEST(LayoutParse, ReadsSplitsAndTabs) {
    const auto layout = parse_layout("layout=h(60,v(70,Registers,Console),t(Maps,Rings))", kPanels);
    ASSERT_TRUE(layout) << layout.error().message();
    EXPECT_EQ(layout->kind, LayoutKind::SideBySide);
    EXPECT_EQ(layout->percent, 60);
    ASSERT_EQ(layout->children.size(), 2U);
    const Layout& left = layout->children[0];
    EXPECT_EQ(left.kind, LayoutKind::Stacked);
    EXPECT_EQ(left.percent, 70);
    EXPECT_EQ(left.children[1].panels, std::vector<std::string>{"Console"});
    EXPECT_EQ(layout->children[1].panels, (std::vector<std::string>{"Maps", "Rings"}));
}

TEST(LayoutParse, TakesSpacesAndALonePanel) {
    const auto spaced = parse_layout("  h ( 60 , Maps , Rings ) ", kPanels);
    ASSERT_TRUE(spaced) << spaced.error().message();
    EXPECT_EQ(layout_text(*spaced), "h(60,Maps,Rings)");
    const auto lone = parse_layout("Maps", kPanels);
    ASSERT_TRUE(lone);
    EXPECT_EQ(lone->panels, std::vector<std::string>{"Maps"});
}

TEST(LayoutParse, TextOfATreeParsesToTheSameTree) {
    for (const LayoutPreset& preset : layout_presets()) {
        const auto names = panel_names();
        const auto layout = parse_layout(preset.layout, names);
        ASSERT_TRUE(layout) << preset.name << ": " << layout.error().message();
        EXPECT_EQ(layout_text(*layout), preset.layout);
    }
}

struct BadLayout {
    std::string_view name;
    std::string_view text;
    int column;
    std::string_view what;
    std::string_view hint;

    friend std::ostream& operator<<(std::ostream& out, const BadLayout& self) {
        return out << '"' << self.text << '"';
    }
};

class LayoutErrors : public ::testing::TestWithParam<BadLayout> {};

TEST_P(LayoutErrors, NameColumnReasonAndHint) {
    const BadLayout& bad = GetParam();
    const auto layout = parse_layout(bad.text, kPanels);
    ASSERT_FALSE(layout);
    EXPECT_THAT(layout.error().where, HasSubstr(fmt::format("column {} ", bad.column)));
    EXPECT_THAT(layout.error().what, HasSubstr(bad.what));
    EXPECT_THAT(layout.error().hint, HasSubstr(bad.hint));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LayoutErrors,
    ::testing::Values(
        BadLayout{"Nothing", "", 1, "missing", "layouts look like"},
        BadLayout{"UnknownPanel", "h(60,Registes,Maps)", 6, "no panel 'Registes'", "Registers?"},
        BadLayout{"UnknownLayout", "Xyzzy", 1, "no panel", "panels are Registers, Console"},
        BadLayout{"SplitWithoutNumber", "h(Maps,Rings)", 3, "5 to 95", "layouts look like"},
        BadLayout{"SplitTooSmall", "h(4,Maps,Rings)", 3, "5 to 95", ""},
        BadLayout{"SplitTooLarge", "h(96,Maps,Rings)", 3, "5 to 95", ""},
        BadLayout{"SplitBeyondNumbers", "h(99999999999999999999,Maps,Rings)", 3, "5 to 95", ""},
        BadLayout{"OnePanelOnly", "h(60,Maps)", 10, "',' is missing", ""},
        BadLayout{"Unclosed", "h(60,Maps,Rings", 16, "')' is missing", ""},
        BadLayout{"ClosedTwice", "h(60,Maps,Rings))", 17, "behind the end", "delete it"},
        BadLayout{"PanelTwice", "h(60,Maps,Maps)", 11, "twice", ""},
        BadLayout{"SplitInTabs", "t(Maps,h(50,Rings,Console))", 8, "no panel 'h'", ""},
        BadLayout{"EmptyTabs", "t()", 3, "name of a panel is missing", "panels are"},
        BadLayout{"UnknownSplit", "x(50,Maps,Rings)", 1, "no 'x('", "side by side"}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(LayoutParse, RefusesEndlessNesting) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) {
        text += "h(50,";
    }
    const auto layout = parse_layout(text, kPanels);
    ASSERT_FALSE(layout);
    EXPECT_THAT(layout.error().what, HasSubstr("splits in each other"));
}

TEST(ChooseLayout, KnowsPresetsInAnyCase) {
    const auto layout = choose_layout("bpf");
    ASSERT_TRUE(layout) << layout.error().message();
    EXPECT_EQ(layout_text(*layout), layout_presets()[1].layout);
}

TEST(ChooseLayout, SuggestsPresets) {
    const auto layout = choose_layout("Debgu");
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().hint, "did you mean Debug?");
}

TEST(PanelTable, NamesAreUniqueWordsThatLayoutsCanSay) {
    const auto names = panel_names();
    for (const std::string_view name : names) {
        EXPECT_TRUE(parse_layout(name, names)) << name;
        EXPECT_EQ(std::ranges::count(names, name), 1) << name;
    }
}

}  // namespace
}  // namespace trapgate::gui
