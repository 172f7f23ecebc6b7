// SPDX-License-Identifier: GPL-2.0-only
#include "base/files.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace trapgate {
namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Files : public testing::Test {
protected:
    Files() {
        std::string name = (std::filesystem::temp_directory_path() / "trapgate-files-XXXXXX")
                               .string();
        folder_ = ::mkdtemp(name.data());
    }
    ~Files() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::filesystem::path folder_;
};

TEST_F(Files, ReadsBackWhatWasWritten) {
    const std::string bytes("zero \0 byte\n", 12);
    ASSERT_TRUE(write_file(folder_ / "a", bytes));
    const auto read = read_file(folder_ / "a");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(text_of(*read), bytes);
}

TEST_F(Files, ReadsAnEmptyFile) {
    ASSERT_TRUE(write_file(folder_ / "empty", ""));
    const auto read = read_file(folder_ / "empty");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_TRUE(read->empty());
}

TEST_F(Files, ReadsAFileThatHidesItsSize) {
    // Everything in procfs claims to be empty.
    const auto read = read_file("/proc/self/maps");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_NE(text_of(*read).find("[stack]"), std::string::npos);
}

TEST_F(Files, NamesTheFileThatIsMissing) {
    const auto read = read_file(folder_ / "absent");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().linux_errno, ENOENT);
    EXPECT_EQ(read.error().where, (folder_ / "absent").string());
    EXPECT_FALSE(read.error().hint.empty());
}

TEST_F(Files, RefusesAFolder) {
    const auto read = read_file(folder_);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().linux_errno, EISDIR);
}

TEST_F(Files, RefusesAFileThatMayNotBeRead) {
    ASSERT_TRUE(write_file(folder_ / "secret", "x"));
    ASSERT_EQ(::chmod((folder_ / "secret").c_str(), 0), 0);
    // Root may read everything, so it becomes somebody else for a moment.
    const uid_t self = ::geteuid();
    if (self == 0 && ::seteuid(65534) != 0) {
        GTEST_SKIP() << "root may read everything, and cannot become another user here";
    }
    const auto read = read_file(folder_ / "secret");
    ASSERT_EQ(::seteuid(self), 0);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().linux_errno, EACCES);
}

TEST_F(Files, ReplacesAFileAsAWhole) {
    ASSERT_TRUE(write_file(folder_ / "a", "a long first version"));
    ASSERT_TRUE(write_file(folder_ / "a", "short"));
    EXPECT_EQ(text_of(*read_file(folder_ / "a")), "short");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
        << "the draft is gone";
}

TEST_F(Files, LeavesNoFileWhereTheFolderIsMissing) {
    const auto written = write_file(folder_ / "absent" / "a", "x");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().linux_errno, ENOENT);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "absent"));
}

TEST_F(Files, KeepsTheOldFileWhenTheNewOneCannotTakeItsPlace) {
    std::filesystem::create_directory(folder_ / "taken");
    const auto written = write_file(folder_ / "taken", "x");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().linux_errno, EISDIR);
    EXPECT_TRUE(std::filesystem::is_directory(folder_ / "taken"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "taken.new")) << "no draft stays behind";
}

TEST(ProgramFolder, HoldsTheRunningProgram) {
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
    EXPECT_EQ(program_folder(), self.parent_path());
}

}  // namespace
}  // namespace trapgate
