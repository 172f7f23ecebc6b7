// SPDX-License-Identifier: GPL-2.0-only
// trapgate-gui as a person runs it, without a display.
#include <filesystem>

#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "base/process.hpp"

namespace trapgate::gui {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
    int status = -1;
    std::string text;  ///< stdout and stderr.
};

// Runs trapgate-gui with these words, in an environment without a display.
Outcome run_gui(const std::string& words) {
    const auto result = run_process(
        {"bash", "-c",
         fmt::format("unset DISPLAY WAYLAND_DISPLAY SDL_VIDEODRIVER; exec {}/trapgate-gui {} 2>&1",
                     TRAPGATE_BIN_DIR, words)});
    return result ? Outcome{result->status, result->out} : Outcome{-1, result.error().message()};
}

const std::string kExample = "-b " TRAPGATE_SHARE_DIR "/open_counter.bpf.o";

// A folder of its own for each process: tests run in parallel.
class GuiProgram : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override {
        if (!HasFailure()) {
            std::filesystem::remove_all(folder_);
        } else {
            fmt::print("kept: {}\n", folder_.string());
        }
    }
    std::filesystem::path folder_ = std::filesystem::current_path() / "artefacts" / "gui" /
                                    fmt::format("program-{}", ::getpid());
};

TEST_F(GuiProgram, HelpWorksAnywhere) {
    const Outcome help = run_gui("--help");
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.text, StartsWith("Examples:\n  trapgate-gui "));
}

TEST_F(GuiProgram, UnknownOptionGetsTheNearestOne) {
    const Outcome bad = run_gui("--screnshot a.png");
    EXPECT_EQ(bad.status, 2);
    EXPECT_EQ(bad.text,
              "trapgate-gui: no such option: --screnshot\nhint: did you mean --screenshot?\n");
}

TEST_F(GuiProgram, MissingImageIsNamed) {
    const Outcome bad = run_gui("/no/such/vmlinux --screenshot a.png");
    EXPECT_EQ(bad.status, 2);
    EXPECT_THAT(bad.text, AllOf(StartsWith("trapgate-gui: "), HasSubstr("/no/such/vmlinux")));
}

TEST_F(GuiProgram, FileThatIsNoKernelIsNamed) {
    const std::filesystem::path file = folder_ / "notes.txt";
    ASSERT_TRUE(write_file(file, "not a kernel"));
    const Outcome bad = run_gui(fmt::format("{} --screenshot a.png", file.string()));
    EXPECT_EQ(bad.status, 2);
    EXPECT_THAT(bad.text, HasSubstr("notes.txt"));
}

TEST_F(GuiProgram, UnknownProbeSymbolGetsTheNearestOne) {
    const Outcome bad = run_gui("-p do_sys_openat3 --screenshot a.png");
    EXPECT_EQ(bad.status, 2);
    EXPECT_THAT(bad.text, HasSubstr("do_sys_openat2"));
}

TEST_F(GuiProgram, PictureThatCannotBeWrittenIsNamed) {
    const Outcome bad = run_gui("--screenshot /no/such/folder/a.png");
    EXPECT_EQ(bad.status, 2);
    EXPECT_THAT(bad.text, HasSubstr("/no/such/folder"));
}

TEST_F(GuiProgram, NoDisplaySaysWhatElseThereIs) {
    const Outcome bad = run_gui("");
    EXPECT_EQ(bad.status, 2);
    EXPECT_THAT(bad.text, AllOf(HasSubstr("hint: "), HasSubstr("--screenshot FILE.png")));
}

TEST_F(GuiProgram, PanelAsTextShowsWhatTheProgramCounted) {
    const Outcome maps = run_gui(kExample + " --print-view Maps");
    EXPECT_EQ(maps.status, 0);
    // roms/minikernel/README.md: the workload opens 53 files.
    EXPECT_THAT(maps.text, HasSubstr("53"));
    const Outcome probes = run_gui(kExample + " --print-view Probes");
    EXPECT_THAT(probes.text,
                AllOf(HasSubstr("| 53 | 0 | count_open |"), HasSubstr("do_sys_openat2")));
}

TEST_F(GuiProgram, PictureOfARealRunIsTheSameEachTime) {
    std::string pictures[2];
    for (int i = 0; i < 2; ++i) {
        const std::filesystem::path file = folder_ / fmt::format("{}.png", i);
        const Outcome drawn = run_gui(fmt::format("{} --screenshot {}", kExample, file.string()));
        ASSERT_EQ(drawn.status, 0) << drawn.text;
        const auto bytes = read_file(file);
        ASSERT_TRUE(bytes) << bytes.error().message();
        pictures[i].assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    }
    EXPECT_THAT(pictures[0], StartsWith("\x89PNG"));
    EXPECT_GT(pictures[0].size(), 10'000U);
    EXPECT_TRUE(pictures[0] == pictures[1]);
}

TEST_F(GuiProgram, LimitStopsARunAndThePictureIsTakenThere) {
    const Outcome at = run_gui("--max-insns 2000000 --print-view Counters");
    EXPECT_EQ(at.status, 0);
    EXPECT_THAT(at.text, HasSubstr("| instructions | 2,000,000 |"));
}

}  // namespace
}  // namespace trapgate::gui
