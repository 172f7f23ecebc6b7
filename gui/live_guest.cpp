// SPDX-License-Identifier: GPL-2.0-only
#include "gui/live_guest.hpp"

#include <chrono>
#include <utility>

namespace trapgate::gui {

LiveGuest::LiveGuest(std::unique_ptr<kernel::Session> session) : thread_(std::move(session)) {}

kernel::SnapshotPtr LiveGuest::snapshot() const { return thread_.snapshot(); }

void LiveGuest::send(std::string line) {
    auto answer = thread_.command(line);
    pending_.push_back({std::move(line), std::move(answer)});
}

std::vector<Answer> LiveGuest::take_answers() {
    std::vector<Answer> answers;
    auto next = pending_.begin();
    while (next != pending_.end() &&
           next->text.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        answers.push_back({std::move(next->line), next->text.get()});
        ++next;
    }
    pending_.erase(pending_.begin(), next);
    return answers;
}

}  // namespace trapgate::gui
