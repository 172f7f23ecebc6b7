// SPDX-License-Identifier: GPL-2.0-only
// Registration. What happens at a hit is in probe_hit.cpp.
#include "kernel/probes/kprobes.hpp"

#include <algorithm>
#include <array>
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
    machine_.set_window_origin([this](GuestVa rip) { return original_rip(rip); });
    fault_handler_ = machine_.add_window_fault_handler(
        [this](const emu::ExceptionEvent& event) { return on_fault(event); });
    machine_.set_exception_notifier([this](const emu::ExceptionEvent& event) {
        ProbeRegs regs(machine_.cpu());
        return std::ranges::any_of(notifiers_,
                                   [&](const auto& entry) { return entry.second(event, regs); });
    });
    kretprobes_ = std::make_unique<Kretprobes>(machine, *this);
}

Kprobes::~Kprobes() {
    kretprobes_.reset();
    machine_.set_exception_notifier(nullptr);
    machine_.set_window_origin(nullptr);
    machine_.remove_window_fault_handler(fault_handler_);
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
    const Result<std::shared_ptr<ProbePlace>> place = place_at(*address, spec.unsafe);
    if (!place) {
        return tl::unexpected(place.error());
    }
    if (spec.jprobe) {
        const emu::Symbol* const function = machine_.symbols().containing(*address);
        const Result<GuestVa> entry = resolve_place(machine_, {}, 0, function->address);
        if (!entry || *entry != *address) {
            return fail("a jprobe stands at a function's entry",
                        machine_.symbols().describe(*address));
        }
        if (std::ranges::any_of((*place)->members, [](const std::shared_ptr<Kprobe>& member) {
                return member->spec_.jprobe;
            })) {
            return fail_errno(EEXIST, "another jprobe stands there");
        }
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

Result<std::vector<KprobeHandle>> Kprobes::register_kprobes(std::vector<KprobeSpec> specs) {
    std::vector<KprobeHandle> out;
    for (KprobeSpec& spec : specs) {
        Result<KprobeHandle> made = register_kprobe(std::move(spec));
        if (!made) {
            return tl::unexpected(made.error());
        }
        out.push_back(std::move(*made));
    }
    return out;
}

Result<std::vector<KretprobeHandle>> Kprobes::register_kretprobes(
    std::vector<KretprobeSpec> specs) {
    std::vector<KretprobeHandle> out;
    for (KretprobeSpec& spec : specs) {
        Result<KretprobeHandle> made = register_kretprobe(std::move(spec));
        if (!made) {
            return tl::unexpected(made.error());
        }
        out.push_back(std::move(*made));
    }
    return out;
}

Result<KretprobeHandle> Kprobes::register_kretprobe(KretprobeSpec spec) {
    return kretprobes_->register_kretprobe(std::move(spec));
}

Result<std::shared_ptr<ProbePlace>> Kprobes::place_at(GuestVa address, bool unsafe) {
    if (const auto found = places_.find(address); found != places_.end()) {
        return found->second;
    }
    return check_place(machine_, text_rules(), address, unsafe)
        .map([&](const CheckedPlace& checked) {
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
    slot_origins_[(*slot)->va().value] = {place.address, next, place.weak_from_this()};
    return {};
}

Result<void> Kprobes::update(const std::shared_ptr<ProbePlace>& place) {
    const bool wanted = !place->gone &&
                        std::ranges::any_of(
                            place->members,
                            [](const std::shared_ptr<Kprobe>& probe) { return probe->enabled_; });
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

unsigned Kprobes::add_exception_notifier(ExceptionNotifier notifier) {
    notifiers_[next_notifier_] = std::move(notifier);
    return next_notifier_++;
}

unsigned Kprobes::add_page_fault_notifier(ExceptionNotifier notifier) {
    return add_exception_notifier(
        [notifier = std::move(notifier)](const emu::ExceptionEvent& event, ProbeRegs& regs) {
            return event.vector == static_cast<std::uint8_t>(cpu::Vector::PageFault) &&
                   notifier(event, regs);
        });
}

void Kprobes::remove_notifier(unsigned number) { notifiers_.erase(number); }

bool Kprobes::on_window_missing(GuestVa original) {
    window_ = machine_.map_window();
    if (window_) {
        return true;  // The same instruction again.
    }
    for (const auto& [address, place] : places_) {
        place->gone = true;
        for (const std::shared_ptr<Kprobe>& probe : place->members) {
            probe->gone_ = true;
        }
        static_cast<void>(update(place));
    }
    machine_.cpu().set_rip(original);
    return true;
}

bool Kprobes::still_there(const std::shared_ptr<ProbePlace>& place) {
    std::array<std::byte, cpu::kMaxInsnBytes> now{};
    const std::span<std::byte> bytes = std::span(now).first(place->insn.length);
    const auto expected = std::as_bytes(place->insn.encoding());
    // The first byte is the host's, whoever wrote it before.
    if (machine_.read(place->address, bytes) &&
        std::equal(bytes.begin(), bytes.end(), expected.begin())) {
        return true;
    }
    place->gone = true;
    for (const std::shared_ptr<Kprobe>& probe : place->members) {
        probe->gone_ = true;
    }
    static_cast<void>(update(place));
    return false;
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
    const auto origin = slot_origins_.find(slot.value);
    if (origin == slot_origins_.end()) {
        return rip;
    }
    return rip == slot ? origin->second.address : origin->second.next;
}

}  // namespace trapgate::kernel
