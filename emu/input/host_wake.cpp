// SPDX-License-Identifier: GPL-2.0-only
#include "emu/input/host_wake.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace trapgate::emu {

Result<HostWake> HostWake::create() {
    UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) {
        return fail(std::strerror(errno), "eventfd", "too many open files?", errno);
    }
    return HostWake(std::move(event));
}

void HostWake::notify() const {
    const int interrupted = errno;
    const std::uint64_t one = 1;
    // It fails only when the counter is full, that is, when the waiter will wake anyway.
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
    errno = interrupted;
}

void HostWake::wait(std::optional<Clock::time_point> until) const {
    timespec timeout{};
    if (until) {
        const auto left = std::max(*until - Clock::now(), Clock::duration::zero());
        const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
        timeout.tv_sec = nanoseconds / 1'000'000'000;
        timeout.tv_nsec = nanoseconds % 1'000'000'000;
    }
    pollfd event{event_.get(), POLLIN, 0};
    ::ppoll(&event, 1, until ? &timeout : nullptr, nullptr);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof(count));
}

}  // namespace trapgate::emu
