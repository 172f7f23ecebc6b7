// SPDX-License-Identifier: GPL-2.0-only
#include "tests/layering/layering.hpp"

#include <filesystem>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "tests/layering/tree.hpp"

namespace trapgate::layering {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- The tree as it is.

TEST(Layering, HoldsInTheWholeTree) {
    std::size_t files = 0;
    for (const std::string& path : source_files(TRAPGATE_SOURCE_DIR)) {
        const auto bytes = read_file(std::filesystem::path(TRAPGATE_SOURCE_DIR) / path);
        ASSERT_TRUE(bytes) << bytes.error().message();
        EXPECT_THAT(
            check_includes(path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()}),
            IsEmpty());
        ++files;
    }
    EXPECT_GT(files, 20U) << "the search for sources found too few to be right";
}

// Tests mirror the tree, so one README serves them all; an exercise has its task in its manifest.
TEST(Layering, EachFolderOfSourcesSaysWhatLivesThere) {
    std::set<std::filesystem::path> folders;
    for (const std::string& path : source_files(TRAPGATE_SOURCE_DIR)) {
        const std::filesystem::path folder = std::filesystem::path(path).parent_path();
        if (*folder.begin() != "tests" && *folder.begin() != "labs") {
            folders.insert(folder);
        }
    }
    EXPECT_GT(folders.size(), 20U);
    for (const std::filesystem::path& folder : folders) {
        EXPECT_TRUE(std::filesystem::exists(TRAPGATE_SOURCE_DIR / folder / "README.md")) << folder;
    }
}

// ---- The test of the test: what must be refused, is.

struct Case {
    const char* path;
    const char* include;

    friend std::ostream& operator<<(std::ostream& out, const Case& self) {
        return out << self.path << " includes " << self.include;
    }
};

class ForbiddenInclude : public testing::TestWithParam<Case> {};

TEST_P(ForbiddenInclude, IsRefused) {
    const std::string text = std::string("#pragma once\n#include ") + GetParam().include + "\n";
    EXPECT_THAT(check_includes(GetParam().path, text),
                ElementsAre(HasSubstr(std::string(GetParam().path) + ":2: includes ")));
}

INSTANTIATE_TEST_SUITE_P(Arrows, ForbiddenInclude,
                         testing::Values(Case{"base/files.cpp", "\"cpu/registers.hpp\""},
                                         Case{"cpu/decode.cpp", "\"emu/memory.hpp\""},
                                         Case{"emu/machine.cpp", "\"bpf/insn.hpp\""},
                                         Case{"emu/machine.cpp", "\"kernel/kprobe.hpp\""},
                                         Case{"bpf/jit/jit.cpp", "\"emu/machine.hpp\""},
                                         Case{"bpf/jit/jit.cpp", "\"bpf/runtime/runtime.hpp\""},
                                         Case{"bpf/jit/jit.cpp", "<emu/machine.hpp>"},
                                         Case{"bpf/runtime/runtime.cpp", "\"kernel/kprobe.hpp\""},
                                         Case{"kernel/kprobe.cpp", "\"cli/report.hpp\""},
                                         Case{"labs/lab.cpp", "\"cli/report.hpp\""},
                                         Case{"gui/main.cpp", "\"cli/report.hpp\""},
                                         Case{"cli/main.cpp", "\"gui/panel.hpp\""},
                                         Case{"emu/machine.cpp", "\"tests/emu/fake.hpp\""},
                                         Case{"tests/emu/machine_test.cpp",
                                              "\"kernel/kprobe.hpp\""},
                                         Case{"tests/bpf/jit_test.cpp", "\"emu/machine.hpp\""},
                                         Case{"roms/minikernel/trap.c", "\"emu/machine.hpp\""},
                                         Case{"tests/roms/boot_test.cpp", "\"gui/panel.hpp\""},
                                         Case{"emu/machine.cpp", "\"memory.hpp\""},
                                         Case{"emu/machine.cpp", "\"../cpu/registers.hpp\""},
                                         Case{"emu/machine.cpp", "<cpu/registers.hpp>"}));

INSTANTIATE_TEST_SUITE_P(Libraries, ForbiddenInclude,
                         testing::Values(Case{"emu/machine.cpp", "<unicorn/unicorn.h>"},
                                         Case{"emu/machine.cpp", "\"unicorn/unicorn.h\""},
                                         Case{"tests/emu/machine_test.cpp", "<unicorn/unicorn.h>"},
                                         Case{"emu/engineering/x.cpp", "<unicorn/x86.h>"},
                                         Case{"cli/main.cpp", "<SDL.h>"},
                                         Case{"cli/main.cpp", "<SDL2/SDL.h>"},
                                         Case{"kernel/kprobe.cpp", "<imgui.h>"},
                                         Case{"emu/machine.cpp", "<bpf/libbpf.h>"},
                                         Case{"bpf/jit/jit.cpp", "<bpf/libbpf.h>"},
                                         Case{"kernel/kprobe.cpp", "<CLI/CLI.hpp>"}));

class AllowedInclude : public testing::TestWithParam<Case> {};

TEST_P(AllowedInclude, IsAccepted) {
    EXPECT_THAT(check_includes(GetParam().path, std::string("#include ") + GetParam().include),
                IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Arrows, AllowedInclude,
    testing::Values(Case{"emu/machine.cpp", "\"cpu/registers.hpp\""},
                    Case{"emu/engine/engine.cpp", "<unicorn/unicorn.h>"},
                    Case{"bpf/jit/jit.cpp", "<linux/bpf.h>"},
                    Case{"bpf/jit/jit.cpp", "\"bpf/insn.hpp\""},
                    Case{"bpf/runtime/runtime.cpp", "\"emu/machine.hpp\""},
                    Case{"kernel/loader.cpp", "<bpf/libbpf.h>"},
                    Case{"cli/lab.cpp", "\"labs/lab.hpp\""}, Case{"gui/main.cpp", "<SDL.h>"},
                    Case{"tests/emu/machine_test.cpp", "\"tests/emu/fake.hpp\""},
                    Case{"tests/bpf/runtime/run_test.cpp", "\"emu/machine.hpp\""},
                    Case{"tests/bench/run_bench.cpp", "\"kernel/kprobe.hpp\""},
                    Case{"roms/minikernel/trap.c", "\"trap.h\""},
                    Case{"tests/roms/boot_test.cpp", "\"emu/boot.hpp\""},
                    Case{"labs/first/solution.bpf.c", "\"vmlinux.h\""},
                    Case{"labs/first/solution.bpf.c", "<bpf/bpf_helpers.h>"}));

// ---- Reading includes.

TEST(FindIncludes, SeesEverySpelling) {
    EXPECT_THAT(find_includes("#include <vector>\n"
                              "  #  include\t\"emu/memory.hpp\"  // why\n"
                              "#include_next <stdlib.h>"),
                ElementsAre(Include{1, "vector", false}, Include{2, "emu/memory.hpp", true},
                            Include{3, "stdlib.h", false}));
}

TEST(FindIncludes, LeavesOutComments) {
    EXPECT_THAT(find_includes("// #include <a>\n"
                              "/* #include <b>\n"
                              "#include <c> */ int x;\n"
                              "/* note */ #include <d>\n"),
                ElementsAre(Include{4, "d", false}));
}

TEST(FindIncludes, LeavesOutWhatIsNoLiteralInclude) {
    EXPECT_THAT(find_includes("#include HEADER\n"
                              "#if __has_include(<x>)\n"
                              "#include \"unclosed\n"
                              "auto s = \"#include\";\n"),
                IsEmpty());
}

}  // namespace
}  // namespace trapgate::layering
