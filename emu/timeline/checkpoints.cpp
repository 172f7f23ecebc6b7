// SPDX-License-Identifier: GPL-2.0-only
#include "emu/timeline/checkpoints.hpp"

#include <algorithm>
#include <utility>

namespace trapgate::emu {
namespace {

constexpr auto kByPlace = [](const Checkpoint& checkpoint, std::uint64_t at) {
    return checkpoint.at < at;
};

}  // namespace

void Checkpoints::add(Checkpoint checkpoint) {
    const auto place = std::lower_bound(all_.begin(), all_.end(), checkpoint.at, kByPlace);
    if (place != all_.end() && place->at == checkpoint.at) {
        if (place->pinned) {
            return;
        }
        *place = std::move(checkpoint);
    } else {
        all_.insert(place, std::move(checkpoint));
    }
    measure();
    thin();
}

void Checkpoints::cut(std::uint64_t at) {
    all_.erase(std::lower_bound(all_.begin(), all_.end(), at, kByPlace), all_.end());
    measure();
}

const Checkpoint* Checkpoints::before(std::uint64_t at) const {
    const auto place = std::lower_bound(all_.begin(), all_.end(), at, kByPlace);
    return place == all_.begin() ? nullptr : &*std::prev(place);
}

const Checkpoint* Checkpoints::start_for(std::uint64_t at) const {
    const auto place = std::lower_bound(all_.begin(), all_.end(), at, kByPlace);
    if (place != all_.end() && place->at == at && (place->first || place->pinned)) {
        return &*place;
    }
    return before(at);
}

const Checkpoint* Checkpoints::pinned_after(std::uint64_t at) const {
    const auto found = std::ranges::find_if(all_, [at](const Checkpoint& checkpoint) {
        return checkpoint.pinned && checkpoint.at > at;
    });
    return found == all_.end() ? nullptr : &*found;
}

void Checkpoints::measure() {
    bytes_ = 0;
    const MachineState* previous = nullptr;
    for (const Checkpoint& checkpoint : all_) {
        bytes_ += bytes_apart_from(*checkpoint.state, previous);
        previous = checkpoint.state.get();
    }
}

void Checkpoints::thin() {
    while (all_.size() > kMost || (bytes_ > max_bytes_ && all_.size() > 2)) {
        const std::uint64_t newest = all_.back().at;
        auto victim = all_.end();
        double least = 0;
        for (auto i = all_.begin() + 1; i + 1 < all_.end(); ++i) {
            const auto way = static_cast<double>((i + 1)->at - (i - 1)->at);
            const auto age = static_cast<double>(newest - (i - 1)->at);
            if (!i->pinned && (victim == all_.end() || way / age < least)) {
                victim = i;
                least = way / age;
            }
        }
        if (victim == all_.end()) {
            return;
        }
        all_.erase(victim);
        measure();
    }
}

}  // namespace trapgate::emu
