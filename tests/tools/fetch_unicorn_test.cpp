// SPDX-License-Identifier: GPL-2.0-only
// How apt's configuration is read, and which version is accepted. Nothing is downloaded here.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "tests/tools/shell.hpp"

namespace trapgate::tools {
namespace {

class AptConfiguration : public testing::Test {
protected:
    AptConfiguration() {
        std::string name = (std::filesystem::temp_directory_path() / "trapgate-apt-XXXXXX")
                               .string();
        folder_ = ::mkdtemp(name.data());
        std::filesystem::create_directory(folder_ / "sources.list.d");
    }
    ~AptConfiguration() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    void write(const std::string& file, const std::string& text) {
        ASSERT_TRUE(write_file(folder_ / file, text));
    }
    // What apt is given for forky on a machine that runs bookworm.
    std::string stanzas() {
        return shell("TRAPGATE_APT_CONFIG='" + folder_.string() +
                     "'; . cmake/fetch_unicorn.sh; stanzas_for_suite forky bookworm")
            .output;
    }

    std::filesystem::path folder_;
};

TEST_F(AptConfiguration, ReadsADeb822FileAndKeepsItsKeyring) {
    write("sources.list.d/debian.sources",
          "Types: deb deb-src\n"
          "# a note\n"
          "URIs: http://mirror.example/debian\n"
          "Suites: bookworm bookworm-updates\n"
          "Components: main contrib\n"
          "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n");
    EXPECT_EQ(stanzas(),
              "Types: deb\n"
              "URIs: http://mirror.example/debian\n"
              "Suites: forky\n"
              "Components: main\n"
              "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n");
}

TEST_F(AptConfiguration, KeepsAKeyThatIsWrittenIntoTheFile) {
    write("sources.list.d/debian.sources",
          "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
          "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n");
    EXPECT_THAT(
        stanzas(),
        testing::EndsWith("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n\n"));
}

TEST_F(AptConfiguration, ReadsTheOneLineFormatWithOptions) {
    write("sources.list",
          "# deb http://off.example/debian bookworm main\n"
          "deb-src http://src.example/debian bookworm main\n"
          "deb [arch=amd64 signed-by=/k/a.gpg,/k/b.gpg] http://mirror.example/debian bookworm "
          "contrib main # x\n");
    EXPECT_EQ(stanzas(),
              "Types: deb\n"
              "URIs: http://mirror.example/debian\n"
              "Suites: forky\n"
              "Components: main\n"
              "Signed-By: /k/a.gpg /k/b.gpg\n\n");
}

TEST_F(AptConfiguration, LeavesOutWhatIsNoArchiveOfThisRelease) {
    write("sources.list",
          "deb http://security.example/debian-security bookworm-security main\n"
          "deb http://tool.example/apt tool-bookworm main\n"
          "deb http://extra.example/debian bookworm contrib\n");
    write(
        "sources.list.d/other.sources",
        "Types: deb\nURIs: https://node.example\nSuites: nodistro\nComponents: main\n\n"
        "Types: deb-src\nURIs: http://src.example\nSuites: bookworm\nComponents: main\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.example\nSuites: bookworm\nComponents: main\n");
    EXPECT_EQ(stanzas(), "");
}

TEST_F(AptConfiguration, WithoutAnArchiveEndsWithStatus3AndSaysWhy) {
    const ShellResult answer = shell("TRAPGATE_APT_CONFIG='" + folder_.string() +
                                     "' cmake/fetch_unicorn.sh '" + folder_.string() + "/out'");
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.output, testing::HasSubstr("no archive address"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST(FetchUnicorn, AcceptsRebuildsOfTheVersionAndNothingElse) {
    const ShellResult answer = shell(
        ". cmake/fetch_unicorn.sh; for v in 2.1.4 2.1.4-4 2.1.4-4+b1 2.1.4+dfsg-1 2.1.4~rc1 2.1.40 "
        "2.1.3-2 '';"
        " do is_wanted_version \"$v\" && echo \"yes $v\" || echo \"no $v\"; done");
    EXPECT_EQ(answer.output,
              "yes 2.1.4\nyes 2.1.4-4\nyes 2.1.4-4+b1\nyes 2.1.4+dfsg-1\nno 2.1.4~rc1\nno 2.1.40\n"
              "no 2.1.3-2\nno \n");
}

TEST(FetchUnicorn, SaysWhetherABuildIsKnown) {
    const ShellResult answer = shell(
        ". cmake/fetch_unicorn.sh; f=$(mktemp); echo other >$f; check_digest $f; rm $f");
    EXPECT_THAT(answer.output, testing::HasSubstr("rebuild of 2.1.4 not seen before"));
}

}  // namespace
}  // namespace trapgate::tools
