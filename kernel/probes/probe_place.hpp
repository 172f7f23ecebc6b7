// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "cpu/decode.hpp"
#include "emu/machine.hpp"
#include "kernel/probes/displaced.hpp"
#include "kernel/probes/insn_class.hpp"
#include "kernel/probes/slots.hpp"

namespace trapgate::kernel {

class Kprobe;

/// One slot in use, with the trap behind a stepped instruction. Whoever still runs in it keeps it
/// alive.
class DisplacedSlot {
public:
    /// Errors: ENOMEM, and those of make_slot_code. `on_trap` is called with the machine stopped at
    /// the trap.
    static Result<std::shared_ptr<DisplacedSlot>> make(emu::Machine& machine, SlotPages& pages,
                                                       const cpu::DecodedInsn& insn, GuestVa at,
                                                       DisplacedForm form,
                                                       emu::TrapHandler on_trap);
    DisplacedSlot(emu::Machine& machine, SlotPages& pages, GuestVa va)
        : machine_(machine), pages_(pages), va_(va) {}
    ~DisplacedSlot();
    DisplacedSlot(const DisplacedSlot&) = delete;
    DisplacedSlot& operator=(const DisplacedSlot&) = delete;

    [[nodiscard]] GuestVa va() const { return va_; }

private:
    emu::Machine& machine_;
    SlotPages& pages_;
    GuestVa va_;
    std::optional<GuestVa> trap_;
};

/// An address with at least one probe: one int3, however many probes share it.
struct ProbePlace : std::enable_shared_from_this<ProbePlace> {
    GuestVa address;
    cpu::DecodedInsn insn;
    InsnClass insn_class;
    std::vector<std::shared_ptr<Kprobe>> members;  ///< In order of registration.
    bool armed = false;
    bool gone = false;  ///< The guest has rewritten the instruction.
    DisplacedForm form = DisplacedForm::Stepped;
    std::shared_ptr<DisplacedSlot> slot;  ///< Null for an emulated instruction that never needs
                                          ///< one.

    [[nodiscard]] GuestVa next() const { return address + insn.length; }
};

}  // namespace trapgate::kernel
