// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace trapgate::emu::gdb {

/// A thread that sleeps until one of some descriptors has something to read, and then says so,
/// once: the machine's thread need not look at sockets while the guest runs.
class SocketWatch {
public:
    /// `ready` is called on the watch's thread.
    static Result<std::unique_ptr<SocketWatch>> create(std::function<void()> ready);
    ~SocketWatch();
    SocketWatch(const SocketWatch&) = delete;
    SocketWatch& operator=(const SocketWatch&) = delete;

    /// Watches these until `ready` has been called, or until release(). Nothing is done when it
    /// watches already.
    void arm(const std::vector<int>& descriptors);
    /// Afterwards no descriptor is looked at any more, and `ready` is not called.
    void release();

private:
    explicit SocketWatch(std::function<void()> ready) : ready_(std::move(ready)) {}
    void loop();

    std::function<void()> ready_;
    UniqueFd wake_;  ///< An eventfd that ends a poll.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<int> descriptors_;
    bool armed_ = false, polling_ = false, closing_ = false;
    std::thread thread_;
};

}  // namespace trapgate::emu::gdb
