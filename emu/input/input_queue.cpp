// SPDX-License-Identifier: GPL-2.0-only
#include "emu/input/input_queue.hpp"

#include <algorithm>
#include <utility>

namespace trapgate::emu {

void InputQueue::push(InputKind kind, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (replaying_ || bytes.empty()) {
        return;
    }
    if (!waiting_.empty() && waiting_.back().kind == kind) {
        waiting_.back().bytes += bytes;
    } else {
        waiting_.push_back({kind, std::string(bytes)});
    }
}

bool InputQueue::waiting() const {
    const std::lock_guard lock(mutex_);
    return !waiting_.empty();
}

std::size_t InputQueue::backlog() const {
    std::size_t bytes = 0;
    for (std::size_t i = acted_; i < log_.size(); ++i) {
        bytes += log_[i].bytes.size();
    }
    const std::lock_guard lock(mutex_);
    for (const Waiting& input : waiting_) {
        bytes += input.bytes.size();
    }
    return bytes;
}

void InputQueue::schedule(Cycles at) {
    if (acted_ != log_.size() || at < known_until_) {
        return;
    }
    const std::lock_guard lock(mutex_);
    for (Waiting& input : waiting_) {
        log_.push_back({{kAnyInstruction, at}, input.kind, std::move(input.bytes)});
        shared_.reset();
    }
    waiting_.clear();
}

std::optional<Cycles> InputQueue::next_event() const {
    return acted_ < log_.size() ? std::optional(log_[acted_].place.cycle) : std::nullopt;
}

void InputQueue::advance(InputPlace now, const std::function<void(const InputEntry&)>& act) {
    while (acted_ < log_.size() && log_[acted_].place.cycle <= now.cycle) {
        InputEntry& entry = log_[acted_++];
        if (entry.place.instructions == kAnyInstruction) {
            entry.place.instructions = now.instructions;
            shared_.reset();
        } else if (entry.place != now && !divergence_) {
            divergence_ = entry.place;
        }
        act(entry);
    }
}

void InputQueue::replay(std::vector<InputEntry> entries) {
    const std::lock_guard lock(mutex_);
    replaying_ = true;
    waiting_.clear();
    log_ = std::move(entries);
    acted_ = 0;
    shared_.reset();
}

std::shared_ptr<const std::vector<InputEntry>> InputQueue::entries() const {
    if (!shared_) {
        shared_ = std::make_shared<const std::vector<InputEntry>>(log_);
    }
    return shared_;
}

void InputQueue::go_to(const std::vector<InputEntry>& entries, std::size_t acted,
                       std::optional<Cycles> known_until) {
    // What had not acted when the entries were saved may have since.
    const auto same = [](const InputEntry& a, const InputEntry& b) {
        return a.place.cycle == b.place.cycle && a.kind == b.kind && a.bytes == b.bytes;
    };
    const bool is_beginning = entries.size() <= log_.size() &&
                              std::equal(entries.begin(), entries.end(), log_.begin(), same);
    if (!known_until || !is_beginning) {
        log_ = entries;
        shared_.reset();
    }
    known_until_ = known_until ? std::max(known_until_, *known_until) : Cycles{0};
    acted_ = std::min(acted, log_.size());
    divergence_.reset();
}

void InputQueue::forget_future() {
    known_until_ = Cycles{0};
    log_.resize(acted_);
    shared_.reset();
}

}  // namespace trapgate::emu
