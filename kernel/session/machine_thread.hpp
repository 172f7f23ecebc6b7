// SPDX-License-Identifier: GPL-2.0-only
// The wall between a front end and the machine: the machine runs on a thread of its own; commands
// go in through one queue, immutable snapshots come out.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "kernel/session/session.hpp"

namespace trapgate::kernel {

/// Runs a Session. All members may be called from any thread.
class MachineThread {
public:
    /// Starts paused. `session` belongs to the thread from now on.
    explicit MachineThread(std::unique_ptr<Session> session);
    /// Stops the guest and joins.
    ~MachineThread();
    MachineThread(const MachineThread&) = delete;
    MachineThread& operator=(const MachineThread&) = delete;

    /// A command line such as "continue", "step 10" or "s"; see kernel/session/commands.hpp. The
    /// answer's text comes when the machine's thread has carried it out (for "continue": when it
    /// has started).
    std::future<Result<std::string>> command(std::string line);

    /// The newest snapshot; never null. New ones appear at up to 60 a second while running, and at
    /// once on a stop.
    [[nodiscard]] SnapshotPtr snapshot() const;

private:
    void loop();
    void publish();

    struct Request {
        std::string line;
        std::promise<Result<std::string>> answer;
    };

    std::unique_ptr<Session> session_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Request> requests_;
    SnapshotPtr snapshot_;
    bool running_ = false;
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace trapgate::kernel
