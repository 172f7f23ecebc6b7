// SPDX-License-Identifier: GPL-2.0-only
// Registration. What happens at a hit is in probe_hit.cpp.
#include "kernel/probes/kprobes.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kernel/probes/kretprobes.hpp"

namespace trapgate::kernel {

KprobeHandle::KprobeHandle(KprobeHandle&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), probe_(std::move(other.probe_)) {}

KprobeHandle& KprobeHandle::operator=(KprobeHandle&& other) noexcept {
    if (this != &other) {
        reset();
        owner_ = std::exchange(other.owner_, nullptr);
        probe_ = std::move(other.probe_);
    }
    return *this;
}

void KprobeHandle::reset() {
    if (probe_ && probe_->registered_) {
        owner_->unregister(*probe_);
    }
    probe_.reset();
}

Kprobes::Kprobes(emu::Machine& machine) : machine_(machine), slots_(machine) {
    machine_.set_window_fault_rip([this](GuestVa rip) { return on_fault(rip); });
    kretprobes_ = std::make_unique<Kretprobes>(machine, *this);
}

Kprobes::~Kprobes() {
    kretprobes_.reset();
    machine_.set_window_fault_rip(nullptr);
    for (const auto& [address, place] : places_) {
        for (const std::shared_ptr<Kprobe>& probe : place->members) {
            probe->registered_ = false;
        }
        if (place->armed) {
            machine_.unplant(address);
        }
    }
}

const TextRules& Kprobes::text_rules() {
    const std::vector<emu::Symbol>& symbols = machine_.symbols().all();
    if (!text_rules_ || rules_made_for_ != symbols.data()) {
        text_rules_.emplace(machine_.symbols());
        rules_made_for_ = symbols.data();
    }
    return *text_rules_;
}

Result<KprobeHandle> Kprobes::register_kprobe(KprobeSpec spec) {
    const Result<GuestVa> address = resolve_place(machine_, spec.symbol, spec.offset, spec.address);
    if (!address) {
        return tl::unexpected(address.error());
    }
    const Result<std::shared_ptr<ProbePlace>> place = place_at(*address);
    if (!place) {
        return tl::unexpected(place.error());
    }
    auto probe = std::make_shared<Kprobe>();
    probe->address_ = *address;
    probe->where_ = machine_.symbols().describe(*address);
    probe->where_.resize(std::min(probe->where_.size(), probe->where_.find('/')));
    probe->enabled_ = !spec.disabled;
    probe->spec_ = std::move(spec);
    probe->place_ = *place;
    places_[*address] = *place;
    (*place)->members.push_back(probe);
    if (Result<void> updated = update(*place); !updated) {
        unregister(*probe);
        return tl::unexpected(updated.error());
    }
    return KprobeHandle(*this, std::move(probe));
}

Result<KretprobeHandle> Kprobes::register_kretprobe(KretprobeSpec spec) {
    return kretprobes_->register_kretprobe(std::move(spec));
}

Result<std::shared_ptr<ProbePlace>> Kprobes::place_at(GuestVa address) {
    if (const auto found = places_.find(address); found != places_.end()) {
        return found->second;
    }
    return check_place(machine_, text_rules(), address).map([&](const CheckedPlace& checked) {
        auto place = std::make_shared<ProbePlace>();
        place->address = address;
        place->insn = checked.insn;
        place->insn_class = checked.insn_class;
        return place;
    });
}

Result<void> Kprobes::update_slot(ProbePlace& place) {
    const bool has_post_handler = std::ranges::any_of(
        place.members, [](const std::shared_ptr<Kprobe>& probe) {
            return probe->enabled_ && probe->spec_.post_handler;
        });
    const bool boostable = place.insn_class.boostable && !has_post_handler;
    DisplacedForm form = boostable ? DisplacedForm::Boosted : DisplacedForm::Stepped;
    if (can_emulate(place.insn, place.insn_class)) {
        form = DisplacedForm::Emulated;
    }
    if (place.slot && place.form == form) {
        return {};
    }
    place.form = form;
    if (form == DisplacedForm::Emulated && !may_need_slot(place.insn)) {
        return {};
    }
    const DisplacedForm slot_form = form == DisplacedForm::Emulated ? DisplacedForm::Boosted : form;
    const GuestVa next = place.next();
    auto slot = DisplacedSlot::make(machine_, slots_, place.insn, place.address, slot_form,
                                    [this, next](emu::Machine& machine) {
                                        on_stepped(next, SlotPages::slot_of(machine.cpu().rip()));
                                    });
    if (!slot) {
        return tl::unexpected(slot.error());
    }
    place.slot = *slot;  // A hit in the old one keeps that.
    return {};
}

Result<void> Kprobes::update(const std::shared_ptr<ProbePlace>& place) {
    const bool wanted = std::ranges::any_of(
        place->members, [](const std::shared_ptr<Kprobe>& probe) { return probe->enabled_; });
    if (wanted) {
        if (Result<void> updated = update_slot(*place); !updated) {
            return updated;
        }
    }
    if (wanted && !place->armed) {
        const GuestVa address = place->address;
        Result<void> planted = machine_.plant(address,
                                              [this, address](emu::Machine&) { on_hit(address); });
        if (!planted) {
            return planted;
        }
    } else if (!wanted && place->armed) {
        machine_.unplant(place->address);
    }
    place->armed = wanted;
    return {};
}

void Kprobes::unregister(Kprobe& probe) {
    probe.registered_ = false;
    const std::shared_ptr<ProbePlace> place = probe.place_.lock();
    if (!place) {
        return;
    }
    std::erase_if(place->members,
                  [&](const std::shared_ptr<Kprobe>& member) { return member.get() == &probe; });
    // Taking a member away never needs more than there is: without a new slot the old one still
    // serves.
    static_cast<void>(update(place));
    if (place->members.empty()) {
        places_.erase(place->address);
    }
}

Result<void> Kprobes::enable(Kprobe& probe) { return set_enabled(probe, true); }

Result<void> Kprobes::disable(Kprobe& probe) { return set_enabled(probe, false); }

Result<void> Kprobes::set_enabled(Kprobe& probe, bool enabled) {
    const std::shared_ptr<ProbePlace> place = probe.place_.lock();
    if (!probe.registered_ || !place) {
        return fail("the probe is not registered", probe.where_);
    }
    const bool before = std::exchange(probe.enabled_, enabled);
    Result<void> updated = update(place);
    if (!updated) {
        probe.enabled_ = before;
    }
    return updated;
}

std::vector<std::shared_ptr<const Kprobe>> Kprobes::all() const {
    std::vector<std::shared_ptr<const Kprobe>> out;
    for (const auto& [address, place] : places_) {
        out.insert(out.end(), place->members.begin(), place->members.end());
    }
    return out;
}

GuestVa Kprobes::original_rip(GuestVa rip) const {
    if (!emu::ProbeWindow::text_contains(rip)) {
        return rip;
    }
    if (const GuestVa caller = kretprobes_->real_return(rip); caller != rip) {
        return caller;
    }
    const GuestVa slot = SlotPages::slot_of(rip);
    const auto holds = [slot](const auto& entry) {
        return entry.second->slot && entry.second->slot->va() == slot;
    };
    const auto place = std::ranges::find_if(places_, holds);
    if (place == places_.end()) {
        return rip;
    }
    return rip == slot ? place->second->address : place->second->next();
}

}  // namespace trapgate::kernel
