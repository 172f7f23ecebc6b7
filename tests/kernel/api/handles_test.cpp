// SPDX-License-Identifier: GPL-2.0-only
// Descriptors must live as Linux's do: through dup, fork and SCM_RIGHTS, until the last copy is
// closed.
#include "kernel/api/handles.hpp"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace trapgate::kernel {
namespace {

class Thing final : public Object {
public:
    explicit Thing(bool* gone) : gone_(gone) {}
    ~Thing() override { *gone_ = true; }
    [[nodiscard]] bool pollable() const override { return true; }
    [[nodiscard]] bool readable() const override { return ready; }
    bool ready = false;

private:
    bool* gone_;
};

class HandlesTest : public ::testing::Test {
protected:
    HandlesTest() {
        auto thing = std::make_shared<Thing>(&gone);
        raw = thing.get();
        fd = table.open(std::move(thing), Access::ReadWrite);
    }
    bool gone_after_reap() {
        table.reap();
        return gone;
    }
    HandleTable table;
    bool gone = false;
    Thing* raw = nullptr;
    int fd = -1;
};

bool polls_readable(int fd) {
    pollfd asked{fd, POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLIN) != 0;
}

TEST_F(HandlesTest, CloseOfTheOnlyCopyLetsTheObjectGo) {
    EXPECT_FALSE(gone_after_reap());
    ASSERT_EQ(::close(fd), 0);
    EXPECT_FALSE(gone) << "close itself is not seen";
    EXPECT_TRUE(gone_after_reap());
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(HandlesTest, ADescriptorIsCloseOnExec) {
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    ::close(fd);
}

TEST_F(HandlesTest, DupKeepsTheObjectAndItsIdentity) {
    const int copy = ::dup(fd);
    const int other = ::fcntl(fd, F_DUPFD_CLOEXEC, 100);
    ::close(fd);
    EXPECT_FALSE(gone_after_reap());
    ASSERT_TRUE(table.find(copy).has_value());
    EXPECT_EQ(table.find(copy)->object.get(), raw);
    ::close(copy);
    EXPECT_FALSE(gone_after_reap());
    ::close(other);
    EXPECT_TRUE(gone_after_reap());
}

TEST_F(HandlesTest, AForkedChildKeepsTheObject) {
    std::array<int, 2> go{};
    ASSERT_EQ(::pipe(go.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        char byte = 0;
        [[maybe_unused]] const ssize_t waited = ::read(go[0], &byte, 1);
        ::_exit(0);
    }
    ::close(fd);
    EXPECT_FALSE(gone_after_reap());
    ASSERT_EQ(::write(go[1], "x", 1), 1);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(gone_after_reap());
    ::close(go[0]);
    ::close(go[1]);
}

TEST_F(HandlesTest, ACopyOnItsWayThroughASocketKeepsTheObject) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()), 0);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    char byte = 'x';
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    ASSERT_EQ(::sendmsg(ends[0], &message, 0), 1);
    ::close(fd);
    EXPECT_FALSE(gone_after_reap()) << "in flight";

    message.msg_controllen = control.size();
    ASSERT_EQ(::recvmsg(ends[1], &message, 0), 1);
    int received = -1;
    const cmsghdr* const arrived = CMSG_FIRSTHDR(&message);
    ASSERT_NE(arrived, nullptr);
    std::memcpy(&received, CMSG_DATA(arrived), sizeof(received));
    ASSERT_TRUE(table.find(received).has_value());
    EXPECT_EQ(table.find(received)->object.get(), raw);
    ::close(received);
    EXPECT_TRUE(gone_after_reap());
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(HandlesTest, ReadinessFollowsTheObjectForEveryCopy) {
    const int copy = ::dup(fd);
    EXPECT_FALSE(polls_readable(fd));
    raw->ready = true;
    table.refresh();
    table.refresh();  // One byte only, however often.
    EXPECT_TRUE(polls_readable(fd));
    EXPECT_TRUE(polls_readable(copy));
    raw->ready = false;
    table.refresh();
    EXPECT_FALSE(polls_readable(fd));
    EXPECT_FALSE(gone_after_reap()) << "the moment's read end must not look like a last close";
    ::close(fd);
    ::close(copy);
    EXPECT_TRUE(gone_after_reap());
}

TEST_F(HandlesTest, EpollWakesUpAndIsLevelTriggered) {
    const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event), 0);
    EXPECT_EQ(::epoll_wait(epoll.get(), &event, 1, 0), 0);
    raw->ready = true;
    table.refresh();
    EXPECT_EQ(::epoll_wait(epoll.get(), &event, 1, 0), 1);
    EXPECT_EQ(::epoll_wait(epoll.get(), &event, 1, 0), 1);
    raw->ready = false;
    table.refresh();
    EXPECT_EQ(::epoll_wait(epoll.get(), &event, 1, 0), 0);
    ::close(fd);
}

TEST_F(HandlesTest, RefreshAfterTheLastCloseRaisesNoSignal) {
    ::close(fd);
    raw->ready = true;
    table.refresh();  // A write to a pipe without readers would be SIGPIPE.
    EXPECT_TRUE(gone_after_reap());
}

TEST_F(HandlesTest, OtherDescriptorsAreToldApart) {
    EXPECT_EQ(table.find(-1).error(), EBADF);
    EXPECT_EQ(table.find(9999).error(), EBADF);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    EXPECT_EQ(table.find(ends[0]).error(), EINVAL);
    HandleTable stranger;
    EXPECT_EQ(stranger.find(fd).error(), EINVAL) << "another owner's handle";
    ::close(ends[0]);
    ::close(ends[1]);
    ::close(fd);
}

}  // namespace
}  // namespace trapgate::kernel
