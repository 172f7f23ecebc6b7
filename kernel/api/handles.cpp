// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/handles.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.hpp"

namespace trapgate::kernel {
namespace {

bool holds_byte(int write_end) {
    int waiting = 0;
    return ::ioctl(write_end, FIONREAD, &waiting) == 0 && waiting > 0;
}

// A read end for a moment. Also what makes a write safe: with a reader there is no SIGPIPE.
UniqueFd open_read_end(int write_end) {
    const std::string path = "/proc/self/fd/" + std::to_string(write_end);
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

void set_readable(int write_end, bool readable) {
    if (holds_byte(write_end) == readable) {
        return;
    }
    const UniqueFd read_end = open_read_end(write_end);
    if (!read_end) {
        return;  // Out of descriptors: the next refresh tries again.
    }
    std::array<char, 16> bytes{};
    // Neither blocks: the pipe is O_NONBLOCK.
    ssize_t done = 0;
    if (readable) {
        done = ::write(write_end, bytes.data(), 1);
    } else {
        // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection)
        done = ::read(read_end.get(), bytes.data(), bytes.size());
    }
    static_cast<void>(done);
}

}  // namespace

HandleTable::HandleTable() : closed_(::epoll_create1(EPOLL_CLOEXEC)) {
    TG_CHECK(closed_, "no descriptor left for an epoll set");
}

HandleTable::~HandleTable() = default;

int HandleTable::open(std::shared_ptr<Object> object, Access access) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        return -errno;
    }
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    struct stat status{};
    TG_CHECK(::fstat(write_end.get(), &status) == 0, "a pipe that was just made has a status");

    epoll_event none{};
    none.events = 0;  // EPOLLERR is always reported.
    none.data.u64 = status.st_ino;
    const std::lock_guard lock(mutex_);
    if (::epoll_ctl(closed_.get(), EPOLL_CTL_ADD, write_end.get(), &none) != 0) {
        return -errno;
    }
    pipe_device_ = status.st_dev;
    const bool is_new = handles_
                            .emplace(status.st_ino, Handle{std::move(write_end),
                                                           OpenObject{std::move(object), access}})
                            .second;
    TG_CHECK(is_new, "two living pipes have different inodes");
    return read_end.release();
}

tl::expected<OpenObject, int> HandleTable::find(int fd) const {
    struct stat status{};
    if (::fstat(fd, &status) != 0) {
        return tl::unexpected(EBADF);
    }
    if (!S_ISFIFO(status.st_mode)) {
        return tl::unexpected(EINVAL);
    }
    {
        const std::lock_guard lock(mutex_);
        if (status.st_dev != pipe_device_) {
            return tl::unexpected(EINVAL);
        }
    }
    return find_inode(status.st_ino);
}

tl::expected<OpenObject, int> HandleTable::find_inode(ino_t inode) const {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find(inode);
    if (found == handles_.end()) {
        return tl::unexpected(EINVAL);
    }
    return found->second.open;
}

std::size_t HandleTable::reap() {
    // Objects are let go of after the lock: their destructors disarm probes and may take other
    // locks.
    std::vector<Handle> dead;
    std::array<epoll_event, 64> events{};
    for (;;) {
        const std::lock_guard lock(mutex_);
        const int count = ::epoll_wait(closed_.get(), events.data(),
                                       static_cast<int>(events.size()), 0);
        if (count <= 0) {
            break;
        }
        for (int i = 0; i < count; ++i) {
            const auto found = handles_.find(events[static_cast<std::size_t>(i)].data.u64);
            TG_CHECK(found != handles_.end(), "the epoll set and the table hold the same handles");
            // Removed by hand: a forked child's copy of the write end would keep it in the set.
            ::epoll_ctl(closed_.get(), EPOLL_CTL_DEL, found->second.write_end.get(), nullptr);
            dead.push_back(std::move(found->second));
            handles_.erase(found);
        }
    }
    return dead.size();
}

void HandleTable::refresh() {
    const std::lock_guard lock(mutex_);
    for (const auto& [inode, handle] : handles_) {
        if (handle.open.object->pollable()) {
            set_readable(handle.write_end.get(), handle.open.object->readable());
        }
    }
}

std::size_t HandleTable::size() const {
    const std::lock_guard lock(mutex_);
    return handles_.size();
}

}  // namespace trapgate::kernel
