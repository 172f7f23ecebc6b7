// SPDX-License-Identifier: GPL-2.0-only
#include "gui/options.hpp"

#include <ostream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trapgate::gui {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<std::variant<Options, HelpText>> read(std::vector<const char*> words) {
    return read_options(words, "1.2.3");
}

TEST(GuiOptions, ReadWhatRunTakesToo) {
    const auto result = read({"vmlinux", "-p", "vfs_open", "-p", "p:mine do_exit", "-b", "a.bpf.o",
                              "--append", "quiet loops=2", "--mem", "64M", "--max-insns", "20M"});
    ASSERT_TRUE(result) << result.error().message();
    const auto& options = std::get<Options>(*result);
    EXPECT_EQ(options.session.image.kernel, "vmlinux");
    EXPECT_THAT(options.session.probes, ElementsAre("vfs_open", "p:mine do_exit"));
    EXPECT_THAT(options.session.objects, ElementsAre("a.bpf.o"));
    EXPECT_EQ(options.session.image.command_line, "quiet loops=2");
    EXPECT_EQ(options.session.machine.ram_bytes, 64U << 20);
    EXPECT_EQ(options.limits.max_instructions, 20'000'000U);
    EXPECT_EQ(options.session.machine.model, "functional");
}

TEST(GuiOptions, BootTheImageBesideTheProgramByDefault) {
    const auto result = read({});
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_THAT(std::get<Options>(*result).session.image.kernel.string(),
                ::testing::EndsWith("share/trapgate/minikernel.elf"));
}

TEST(GuiOptions, ReadSizeAndLayout) {
    const auto result = read({"--size", "1920x1080", "--layout", "v(50,Maps,Rings)"});
    ASSERT_TRUE(result) << result.error().message();
    const auto& options = std::get<Options>(*result);
    EXPECT_EQ(options.width, 1920);
    EXPECT_EQ(options.height, 1080);
    EXPECT_EQ(layout_text(options.layout), "v(50,Maps,Rings)");
}

TEST(GuiOptions, HelpBeginsWithExamplesAndNamesPanels) {
    const auto result = read({"--help"});
    ASSERT_TRUE(result);
    const std::string& text = std::get<HelpText>(*result).text;
    EXPECT_THAT(text, StartsWith("Examples:\n"));
    EXPECT_THAT(text, HasSubstr("--screenshot FILE.png"));
    EXPECT_THAT(text, HasSubstr("Registers "));
}

TEST(GuiOptions, VersionIsTheOneGiven) {
    EXPECT_EQ(std::get<HelpText>(read({"--version"}).value()).text, "trapgate-gui 1.2.3\n");
}

struct BadWords {
    const char* name;
    std::vector<const char*> words;
    const char* message;

    friend std::ostream& operator<<(std::ostream& out, const BadWords& self) {
        return out << fmt::format("{}", fmt::join(self.words, " "));
    }
};

class BadGuiOptions : public ::testing::TestWithParam<BadWords> {};

TEST_P(BadGuiOptions, AreNamedWithAHint) {
    const auto result = read(GetParam().words);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message(), HasSubstr(GetParam().message));
    EXPECT_FALSE(result.error().hint.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadGuiOptions,
    ::testing::Values(BadWords{"UnknownOption",
                               {"--screnshot", "a.png"},
                               "--screnshot (hint: did you mean --screenshot?)"},
                      BadWords{"TwoImages", {"a", "b"}, "one argument too many: b"},
                      BadWords{"SizeWithoutHeight", {"--size", "12"}, "not a size: \"12\""},
                      BadWords{"SizeTooLarge", {"--size", "99999x10"}, "not a size"},
                      BadWords{"NoScale", {"--scale", "0"}, "--scale"},
                      BadWords{"MemoryThatIsNoSize", {"--mem", "lots"}, "--mem: not a size"},
                      BadWords{
                          "LimitThatIsNoCount", {"--max-insns", "-1"}, "--max-insns: not a count"},
                      BadWords{"TimeThatIsNone", {"--timeout", "0"}, "--timeout: not a time"},
                      BadWords{"UnknownPanelInLayout",
                               {"--layout", "h(50,Maps,Rins)"},
                               "column 11 (at 'Rins)'): there is no panel 'Rins'"},
                      BadWords{"UnknownPanel", {"--print-view", "Mapz"}, "did you mean Maps?"},
                      BadWords{"MissingValue", {"-p"}, "-"}),
    [](const auto& bad) { return bad.param.name; });

}  // namespace
}  // namespace trapgate::gui
