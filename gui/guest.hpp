// SPDX-License-Identifier: GPL-2.0-only
// What the window knows of a machine: its newest snapshot, and a place to send commands to.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "kernel/session/snapshot.hpp"

namespace trapgate::gui {

/// What came of a command.
struct Answer {
    std::string line;
    Result<std::string> text;
};

/// The machine as a front end sees it. The user interface's thread only.
class Guest {
public:
    virtual ~Guest() = default;
    /// Never null.
    [[nodiscard]] virtual kernel::SnapshotPtr snapshot() const = 0;
    /// Queues a command and returns at once.
    virtual void send(std::string line) = 0;
    /// The answers that have come since the last call, in the order of their commands.
    [[nodiscard]] virtual std::vector<Answer> take_answers() = 0;
    /// A command is under way, so that a new snapshot may appear at any moment.
    [[nodiscard]] virtual bool busy() const = 0;
};

/// A snapshot for a picture: it takes no commands.
class StillGuest : public Guest {
public:
    explicit StillGuest(kernel::SnapshotPtr snapshot) : snapshot_(std::move(snapshot)) {}
    [[nodiscard]] kernel::SnapshotPtr snapshot() const override { return snapshot_; }
    void send(std::string line) override;
    [[nodiscard]] std::vector<Answer> take_answers() override;
    [[nodiscard]] bool busy() const override { return false; }

private:
    kernel::SnapshotPtr snapshot_;
    std::vector<Answer> answers_;
};

}  // namespace trapgate::gui
