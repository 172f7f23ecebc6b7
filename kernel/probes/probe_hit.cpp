// SPDX-License-Identifier: GPL-2.0-only
// One hit, from the int3 to the instruction behind the probe. Nothing here runs the machine: a
// guest handler or a stepped instruction leaves its hit on hits_ and returns; a later trap goes on
// with it.
//
//   int3 --> pre handlers, guest handlers (each may return to the machine and come back) -->
//   displaced instruction
//            Emulated: host work, post handlers              done
//            Boosted:  RIP = slot                            done
//            Stepped:  RIP = slot, hit waits  --> trap in the slot --> post handlers, RIP = next
//            done
#include <cstddef>
#include <utility>

#include "base/check.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {

void Kprobes::on_hit(GuestVa address) {
    const auto found = places_.find(address);
    TG_CHECK(found != places_.end(), "an int3 of kprobes has no probe");
    drop_abandoned_steps();
    Hit hit;
    hit.place = found->second;
    hit.members = hit.place->members;
    hit.missed = !hits_.empty();
    hits_.push_back(std::move(hit));
    if (!hits_.back().missed) {
        run_handlers(hits_.size() - 1);
        return;
    }
    for (const std::shared_ptr<Kprobe>& probe : hits_.back().members) {
        if (probe->enabled_) {
            probe->count_missed();
        }
    }
    run_displaced();
}

void Kprobes::drop_abandoned_steps() {
    while (!hits_.empty() && hits_.back().phase == Phase::Stepping) {
        hits_.pop_back();
    }
}

bool Kprobes::begin_handlers() {
    drop_abandoned_steps();
    if (!hits_.empty()) {
        return false;
    }
    hits_.push_back({});
    return true;
}

void Kprobes::end_handlers() {
    TG_CHECK(hits_.size() == 1 && !hits_.back().place, "handlers ended out of turn");
    hits_.pop_back();
}

void Kprobes::run_handlers(std::size_t depth) {
    TG_CHECK(depth + 1 == hits_.size(), "a guest handler ended out of turn");
    ProbeRegs regs(machine_.cpu());
    while (hits_[depth].next < hits_[depth].members.size()) {
        const std::shared_ptr<Kprobe> probe = hits_[depth].members[hits_[depth].next++];
        if (!probe->enabled_ || !probe->registered_) {
            continue;
        }
        ++probe->hits_;
        if (probe->spec_.pre_handler && probe->spec_.pre_handler(*probe, regs) != 0) {
            hits_.pop_back();
            return;
        }
        if (probe->spec_.guest_handler) {
            probe->spec_.guest_handler(*probe, regs, [this, depth] { run_handlers(depth); });
            return;
        }
    }
    run_displaced();
}

void Kprobes::run_displaced() {
    Hit& hit = hits_.back();
    const ProbePlace& place = *hit.place;
    if (place.form == DisplacedForm::Emulated && emulate(machine_, place.insn, place.address)) {
        const Hit ended = std::move(hit);
        hits_.pop_back();
        run_post_handlers(ended);
        return;
    }
    TG_CHECK(place.slot != nullptr, "a displaced instruction has nowhere to run");
    machine_.cpu().set_rip(place.slot->va());
    if (place.form == DisplacedForm::Stepped) {
        hit.phase = Phase::Stepping;
        hit.slot = place.slot;
    } else {
        hits_.pop_back();
    }
}

void Kprobes::on_stepped(GuestVa next, GuestVa slot) {
    machine_.cpu().set_rip(next);
    const bool waiting = !hits_.empty() && hits_.back().phase == Phase::Stepping &&
                         hits_.back().slot->va() == slot;
    if (waiting) {
        const Hit ended = std::move(hits_.back());
        hits_.pop_back();
        run_post_handlers(ended);
    }
}

GuestVa Kprobes::on_fault(GuestVa rip) {
    const GuestVa original = original_rip(rip);
    const bool waiting = !hits_.empty() && hits_.back().phase == Phase::Stepping &&
                         hits_.back().slot->va() == SlotPages::slot_of(rip);
    if (waiting) {
        hits_.pop_back();
    }
    return original;
}

void Kprobes::run_post_handlers(const Hit& hit) {
    if (hit.missed) {
        return;
    }
    ProbeRegs regs(machine_.cpu());
    for (const std::shared_ptr<Kprobe>& probe : hit.members) {
        if (probe->enabled_ && probe->registered_ && probe->spec_.post_handler) {
            probe->spec_.post_handler(*probe, regs);
        }
    }
}

}  // namespace trapgate::kernel
