// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "gui/guest.hpp"
#include "kernel/session/machine_thread.hpp"

namespace trapgate::gui {

/// A machine that runs on a thread of its own.
class LiveGuest : public Guest {
public:
    explicit LiveGuest(std::unique_ptr<kernel::Session> session);
    [[nodiscard]] kernel::SnapshotPtr snapshot() const override;
    void send(std::string line) override;
    [[nodiscard]] std::vector<Answer> take_answers() override;
    [[nodiscard]] bool busy() const override { return !pending_.empty(); }

private:
    struct Pending {
        std::string line;
        std::future<Result<std::string>> text;
    };
    kernel::MachineThread thread_;
    std::vector<Pending> pending_;
};

}  // namespace trapgate::gui
