// SPDX-License-Identifier: GPL-2.0-only
#include "base/result.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>

#include <gtest/gtest.h>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/unique_fd.hpp"

namespace trapgate {
namespace {

TEST(ErrorMessage, SaysWhereThenWhatThenTheHint) {
    EXPECT_EQ((Error{"not an ELF file", "vmlinux", "try the uncompressed kernel"}.message()),
              "vmlinux: not an ELF file (hint: try the uncompressed kernel)");
}

TEST(ErrorMessage, LeavesOutWhatIsEmpty) {
    EXPECT_EQ(fail("out of window").value().message(), "out of window");
    EXPECT_EQ(fail("unknown option", "--mdoel").value().message(), "--mdoel: unknown option");
}

TEST(Fail, BecomesTheErrorArmOfAnyResult) {
    const Result<int> number = fail("no", "here", "go there", ENOENT);
    const Result<void> nothing = fail_errno(ENOMEM, "window full");
    ASSERT_FALSE(number);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(number.error(), (Error{"no", "here", "go there", ENOENT}));
    EXPECT_EQ(nothing.error(), (Error{"window full", "", "", ENOMEM}));
}

TEST(CheckDeathTest, EndsWithStatus70AndSaysWhy) {
    const auto violate = [] {
        const int pages = 3;
        TG_CHECK(pages == 4, "the window has four pages");
    };
    EXPECT_EXIT(violate(), testing::ExitedWithCode(kBugExitStatus),
                "the window has four pages(.|\n)*failed: pages == 4");
}

TEST(PageAlignUp, RoundsToWholePages) {
    EXPECT_EQ(page_align_up(0), 0U);
    EXPECT_EQ(page_align_up(1), 4096U);
    EXPECT_EQ(page_align_up(4096), 4096U);
    EXPECT_EQ(page_align_up(4097), 8192U);
}

TEST(UniqueFd, ClosesWhatItOwnsOnce) {
    const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(raw, 0);
    {
        UniqueFd first(raw);
        const UniqueFd second(std::move(first));
        EXPECT_EQ(second.get(), raw);
        EXPECT_GE(::fcntl(raw, F_GETFD), 0) << "moving does not close";
    }
    EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
    EXPECT_EQ(errno, EBADF);
}

TEST(UniqueFd, GivesUpOwnershipOnRelease) {
    const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(raw, 0);
    {
        UniqueFd owner(raw);
        EXPECT_EQ(owner.release(), raw);
        EXPECT_FALSE(owner);
    }
    EXPECT_GE(::fcntl(raw, F_GETFD), 0);
    ::close(raw);
}

}  // namespace
}  // namespace trapgate
