// SPDX-License-Identifier: GPL-2.0-only
// What the built programs are linked to, as the dynamic loader will see it.
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trapgate {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kBin = TRAPGATE_BIN_DIR;
const std::filesystem::path kLibrary = kBin.parent_path() / "lib" / "libtrapgate.so";

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"),
                                                     ::pclose);
    EXPECT_TRUE(pipe) << command;
    std::string text;
    std::array<char, 4096> buffer{};
    while (pipe && !std::feof(pipe.get())) {
        text.append(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), pipe.get()));
    }
    return text;
}

TEST(Binaries, TheCommandNeverLinksSdl) {
    const std::string libraries = output_of("ldd '" + (kBin / "trapgate").string() + "'");
    EXPECT_THAT(libraries, HasSubstr("libtrapgate.so"));
    EXPECT_THAT(libraries, Not(HasSubstr("SDL")));
    EXPECT_THAT(libraries, Not(HasSubstr("libGL")));
    EXPECT_THAT(libraries, Not(HasSubstr("not found")));
}

TEST(Binaries, OnlyTheLibraryNamesUnicornSoThatItIsSearchedFirst) {
    const std::string needed = output_of("readelf -d '" + (kBin / "trapgate").string() + "'");
    EXPECT_THAT(needed, HasSubstr("libtrapgate.so"));
    EXPECT_THAT(needed, Not(HasSubstr("libunicorn")));
}

TEST(Binaries, TheLibraryCanReplaceFunctionsOfUnicorn) {
    const std::string dynamic = output_of("readelf -d '" + kLibrary.string() + "'");
    EXPECT_THAT(dynamic, HasSubstr("libunicorn.so.2"));
    EXPECT_THAT(dynamic, Not(HasSubstr("SYMBOLIC")));
}

TEST(Binaries, FindTheirLibrariesWhereverTheTreeIsMoved) {
    EXPECT_THAT(output_of("readelf -d '" + kLibrary.string() + "'"), HasSubstr("[$ORIGIN]"));
    EXPECT_THAT(output_of("readelf -d '" + (kBin / "trapgate").string() + "'"),
                HasSubstr("[$ORIGIN/../lib]"));
}

}  // namespace
}  // namespace trapgate
