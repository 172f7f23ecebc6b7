// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/guest_files.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emu/loader/cpio.hpp"

namespace trapgate::kernel {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint64_t kMost = 64ULL << 20;

// Files of the host in a folder of its own.
class GuestFilesTest : public testing::Test {
protected:
    GuestFilesTest() {
        std::string name = (fs::temp_directory_path() / "trapgate-add-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~GuestFilesTest() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    std::string file(const std::string& name, const std::string& text, unsigned mode = 0644) {
        const fs::path path = folder_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path.string();
    }
    // "MODE CONTENT" by path.
    std::map<std::string, std::string> added(const std::vector<std::string>& words) {
        const auto archive = pack_guest_files({words, {}, {}, false}, kMost);
        EXPECT_TRUE(archive) << archive.error().message();
        const auto read = emu::read_cpio(*archive);
        EXPECT_TRUE(read) << read.error().message();
        std::map<std::string, std::string> entries;
        for (const emu::CpioEntry& entry : read->entries) {
            const std::string_view content(reinterpret_cast<const char*>(entry.data.data()),
                                           entry.data.size());
            entries[std::string(entry.path)] = fmt::format("{:o} {}", entry.mode, content);
        }
        return entries;
    }
    std::string error_of(const std::string& words, std::uint64_t most = kMost) {
        const auto archive = pack_guest_files({{words}, {}, {}, false}, most);
        EXPECT_FALSE(archive) << words;
        return archive ? "" : archive.error().message();
    }

    fs::path folder_;
};

TEST_F(GuestFilesTest, KeepNamesAndModes) {
    const std::string prog = file("prog", "#!", 0751);
    using Entries = std::map<std::string, std::string>;
    EXPECT_EQ(added({prog}), (Entries{{"prog", "100751 #!"}}));
    EXPECT_EQ(added({prog + ":/bin/tool"}),
              (Entries{{"bin", "40755 "}, {"bin/tool", "100751 #!"}}));
    EXPECT_EQ(added({prog + ":/bin/"}), (Entries{{"bin", "40755 "}, {"bin/prog", "100751 #!"}}));
    EXPECT_EQ(added({prog, prog + ":/again"}).size(), 2U);
}

TEST_F(GuestFilesTest, TakeFoldersWithAllBelow) {
    file("data/b", "two");
    file("data/sub/a", "one", 0600);
    fs::create_symlink("b", folder_ / "data/link");
    fs::create_symlink("/nowhere", folder_ / "data/dangling");
    const auto entries = added({(folder_ / "data").string() + ":/srv/d"});
    EXPECT_EQ(entries.at("srv/d"), "40755 ");
    EXPECT_EQ(entries.at("srv/d/b"), "100644 two");
    EXPECT_EQ(entries.at("srv/d/sub/a"), "100600 one");
    EXPECT_EQ(entries.at("srv/d/link"), "120777 b");
    EXPECT_EQ(entries.at("srv/d/dangling"), "120777 /nowhere");
    EXPECT_TRUE(added({(folder_ / "data").string() + "/"}).contains("data/b"));
}

TEST_F(GuestFilesTest, AFileWithAColonIsFoundByItsWholeName) {
    EXPECT_TRUE(added({file("a:b", "x")}).contains("a:b"));
}

TEST_F(GuestFilesTest, TheSameFilesMakeTheSameBytes) {
    for (int i = 0; i < 20; ++i) {
        file(fmt::format("data/{}", i * 7919 % 100), "x");
    }
    const GuestFiles files{{(folder_ / "data").string()}, "echo", {}, false};
    EXPECT_EQ(pack_guest_files(files, kMost).value(), pack_guest_files(files, kMost).value());
}

TEST_F(GuestFilesTest, MistakesAreNamed) {
    const std::string prog = file("prog", "#!");
    EXPECT_THAT(error_of((folder_ / "none").string()), HasSubstr("none: no such file"));
    EXPECT_THAT(error_of(prog + ":bin/prog"), HasSubstr("must begin with a slash"));
    EXPECT_THAT(error_of(prog + ":"), HasSubstr("must begin with a slash"));
    EXPECT_THAT(error_of(prog + ":/a/../../b"), HasSubstr("mean nothing"));
    EXPECT_THAT(error_of("/:/"), HasSubstr("names nothing"));
    EXPECT_THAT(error_of(prog + ":/" + std::string(5000, 'x')), HasSubstr("longer than a path"));
    EXPECT_THAT(error_of(""), HasSubstr("not named"));
    EXPECT_THAT(error_of(":/x"), HasSubstr("not named"));
    EXPECT_THAT(error_of("/dev/null"), HasSubstr("neither a file nor a folder"));
}

TEST_F(GuestFilesTest, FilesThatMayNotBeReadAreNamed) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root may read everything";
    }
    EXPECT_THAT(error_of(file("secret", "x", 0)), AllOf(HasSubstr("secret"), HasSubstr("denied")));
}

TEST_F(GuestFilesTest, FilesLargerThanTheGuestAreNotRead) {
    const std::string big = file("big", "");
    fs::resize_file(big, 1ULL << 40);
    EXPECT_THAT(error_of(big),
                AllOf(HasSubstr("big: "), HasSubstr("64 MiB of RAM"), HasSubstr("--mem")));
    const std::string two = file("two", std::string(40'000, 'x'));
    EXPECT_THAT(pack_guest_files({{two, two}, {}, {}, false}, 65536).error().message(),
                HasSubstr("more than the guest's"));
}

TEST_F(GuestFilesTest, AProgramLiesBesideItsWords) {
    const std::string prog = file("prog", "#!");
    const auto archive = pack_guest_files({{}, {}, {prog, "-x", ""}, false}, kMost);
    ASSERT_TRUE(archive) << archive.error().message();
    const auto read = emu::read_cpio(*archive);
    ASSERT_TRUE(read) << read.error().message();
    std::map<std::string_view, std::string_view> contents;
    for (const emu::CpioEntry& entry : read->entries) {
        contents[entry.path] = {reinterpret_cast<const char*>(entry.data.data()),
                                entry.data.size()};
    }
    EXPECT_EQ(contents.at("trapgate/program"), std::string_view("./prog\0-x\0\0", 11));
    EXPECT_EQ(contents.at("root/prog"), "#!");
}

TEST_F(GuestFilesTest, NothingToAddIsNoArchive) {
    EXPECT_TRUE(pack_guest_files({}, kMost).value().empty());
}

}  // namespace
}  // namespace trapgate::kernel
