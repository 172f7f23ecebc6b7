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
#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {

void Kprobes::on_hit(GuestVa address) {
    const auto found = places_.find(address);
    TG_CHECK(found != places_.end(), "an int3 of kprobes has no probe");
    drop_abandoned_steps();
    const std::shared_ptr<ProbePlace> place = found->second;
    if (!still_there(place)) {
        return;  // RIP is at the guest's own new instruction.
    }
    Hit hit;
    hit.place = place;
    hit.members = hit.place->members;
    hit.missed = !hits_.empty();
    hits_.push_back(std::move(hit));
    if (!hits_.back().missed) {
        run_handlers(hits_.size() - 1);
        return;
    }
    for (const std::shared_ptr<Kprobe>& probe : hits_.back().members) {
        if (probe->enabled_) {
            ++probe->missed_inside_;
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
        machine_.count_displaced(place.insn.branch != cpu::BranchKind::None);
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

bool Kprobes::on_fault(const emu::ExceptionEvent& event) {
    const GuestVa slot = SlotPages::slot_of(event.rip);
    const auto origin = slot_origins_.find(slot.value);
    if (origin == slot_origins_.end()) {
        return false;
    }
    const bool window_missing = event.vector == static_cast<std::uint8_t>(cpu::Vector::PageFault) &&
                                emu::ProbeWindow::text_contains(GuestVa{event.cr2});
    if (window_missing) {
        return on_window_missing(event.rip == slot ? origin->second.address : origin->second.next);
    }
    std::vector<std::shared_ptr<Kprobe>> members;
    bool missed = false;
    if (!hits_.empty() && hits_.back().phase == Phase::Stepping &&
        hits_.back().slot->va() == slot) {
        members = std::move(hits_.back().members);
        missed = hits_.back().missed;
        hits_.pop_back();
    } else if (const auto place = origin->second.place.lock()) {
        members = place->members;
    }
    machine_.cpu().set_rip(event.rip == slot ? origin->second.address : origin->second.next);
    ProbeRegs regs(machine_.cpu());
    return !missed && std::ranges::any_of(members, [&](const std::shared_ptr<Kprobe>& probe) {
        return probe->enabled_ && probe->registered_ && probe->spec_.fault_handler &&
               probe->spec_.fault_handler(*probe, regs, event) != 0;
    });
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
