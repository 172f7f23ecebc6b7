// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/socket_watch.hpp"

#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <fmt/format.h>

namespace trapgate::emu::gdb {

Result<std::unique_ptr<SocketWatch>> SocketWatch::create(std::function<void()> ready) {
    std::unique_ptr<SocketWatch> watch(new SocketWatch(std::move(ready)));
    watch->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!watch->wake_) {
        return fail_errno(errno, fmt::format("no event descriptor: {}", std::strerror(errno)));
    }
    // Signals are for the thread that runs the machine: they shall interrupt its waiting.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    watch->thread_ = std::thread([target = watch.get()] { target->loop(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return watch;
}

SocketWatch::~SocketWatch() {
    release();
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void SocketWatch::arm(const std::vector<int>& descriptors) {
    const std::lock_guard lock(mutex_);
    if (!armed_) {
        descriptors_ = descriptors;
        armed_ = true;
        changed_.notify_all();
    }
}

void SocketWatch::release() {
    {
        std::unique_lock lock(mutex_);
        armed_ = false;
        const std::uint64_t one = 1;
        static_cast<void>(::write(wake_.get(), &one, sizeof(one)));  // It can only be full already.
        changed_.wait(lock, [this] { return !polling_; });
    }
    std::uint64_t seen = 0;
    static_cast<void>(::read(wake_.get(), &seen, sizeof(seen)));
}

void SocketWatch::loop() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return armed_ || closing_; });
        if (closing_) {
            return;
        }
        std::vector<pollfd> waiting{{wake_.get(), POLLIN, 0}};
        for (const int descriptor : descriptors_) {
            waiting.push_back({descriptor, POLLIN, 0});
        }
        polling_ = true;
        lock.unlock();
        ::poll(waiting.data(), waiting.size(), -1);
        lock.lock();
        polling_ = false;
        if (std::exchange(armed_, false)) {
            ready_();  // Under the lock: release() promises that it is over.
        }
        changed_.notify_all();
    }
}

}  // namespace trapgate::emu::gdb
