// SPDX-License-Identifier: GPL-2.0-only
// Habits of the tree that a machine can check.
#include "tests/layering/tree.hpp"

#include <array>
#include <cstdlib>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"

namespace trapgate::layering {
namespace {

const std::filesystem::path kRoot = TRAPGATE_SOURCE_DIR;

std::string text_of(const std::filesystem::path& path) {
    const auto bytes = read_file(path);
    EXPECT_TRUE(bytes) << bytes.error().message();
    return bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : "";
}

TEST(Tree, NamesTheLicenceInEverySource) {
    for (const std::string& path : source_files(kRoot)) {
        const std::string start = text_of(kRoot / path).substr(0, 200);
        EXPECT_THAT(start, testing::HasSubstr("SPDX-License-Identifier: GPL-2.0-only")) << path;
    }
}

TEST(Tree, HasAReadmeInEveryFolderOfTheFirstLevel) {
    for (const auto& entry : std::filesystem::directory_iterator(kRoot)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_directory() && !name.starts_with('.') && name != "build") {
            EXPECT_TRUE(std::filesystem::exists(entry.path() / "README.md")) << name;
        }
    }
}

TEST(Tree, LinksToWhatExists) {
    const std::regex link(R"(\]\(([^)#:]+)\))");
    for (const std::string& path : tree_files(kRoot)) {
        if (!path.ends_with(".md")) {
            continue;
        }
        const std::string text = text_of(kRoot / path);
        for (std::sregex_iterator match(text.begin(), text.end(), link), end; match != end;
             ++match) {
            const std::string target = (*match)[1];
            EXPECT_TRUE(std::filesystem::exists((kRoot / path).parent_path() / target))
                << path << " links to " << target;
        }
    }
}

TEST(Tree, ExplainsEveryPackageThatDevInstalls) {
    const std::string dev = text_of(kRoot / "dev");
    const std::string readme = text_of(kRoot / "README.md");
    const std::regex list(R"(readonly [a-z]+_packages=\(([^)]*)\))");
    std::size_t packages = 0;
    for (std::sregex_iterator match(dev.begin(), dev.end(), list), end; match != end; ++match) {
        const std::string names = (*match)[1];
        const std::regex word(R"(\S+)");
        for (std::sregex_iterator name(names.begin(), names.end(), word); name != end; ++name) {
            EXPECT_NE(readme.find("`" + name->str() + "`"), std::string::npos) << name->str();
            ++packages;
        }
    }
    EXPECT_GT(packages, 20U) << "the lists in dev were not found";
}

}  // namespace
}  // namespace trapgate::layering
