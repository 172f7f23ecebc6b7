// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/probe_place.hpp"

#include <utility>

namespace trapgate::kernel {

Result<std::shared_ptr<DisplacedSlot>> DisplacedSlot::make(emu::Machine& machine, SlotPages& pages,
                                                           const cpu::DecodedInsn& insn, GuestVa at,
                                                           DisplacedForm form,
                                                           emu::TrapHandler on_trap) {
    const Result<GuestVa> va = pages.allocate();
    if (!va) {
        return tl::unexpected(va.error());
    }
    auto slot = std::make_shared<DisplacedSlot>(machine, pages, *va);
    const Result<SlotCode> code = make_slot_code(insn, at, *va, form);
    if (!code) {
        return tl::unexpected(code.error());
    }
    pages.write(*va, code->bytes);
    machine.mark_displaced(*va, insn.length);
    if (code->trap_offset) {
        slot->trap_ = *va + *code->trap_offset;
        machine.add_window_trap(*slot->trap_, std::move(on_trap));
    }
    return slot;
}

DisplacedSlot::~DisplacedSlot() {
    if (trap_) {
        machine_.remove_window_trap(*trap_);
    }
    pages_.release(va_);
}

}  // namespace trapgate::kernel
