// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "emu/machine.hpp"
#include "kernel/events/guest_context.hpp"
#include "kernel/events/probe_events.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {

/// Events of a machine: probes by `kprobes`, whose handlers are observers and cost the guest
/// nothing.
class MachineEvents final : public EventBackend {
public:
    /// All must outlive it, and it must outlive the probes it armed.
    MachineEvents(emu::Machine& machine, Kprobes& kprobes, GuestContext::Tasks tasks)
        : machine_(machine), kprobes_(kprobes), context_(machine, std::move(tasks)) {}

    Result<std::unique_ptr<ArmedEvent>> arm(const ProbeDefinition& definition,
                                            std::function<void(const EventHit&)> on_hit) override;
    [[nodiscard]] SymbolTexts symbol_texts() const override;
    [[nodiscard]] FunctionRange function_ranges() const override;
    [[nodiscard]] std::uint64_t now_ns() const override { return machine_.now_ns(); }

private:
    class Reader final : public GuestReader {
    public:
        explicit Reader(const emu::Machine& machine) : machine_(machine) {}
        [[nodiscard]] bool read(GuestVa va, std::span<std::byte> to) const override {
            return machine_.read(va, to);
        }

    private:
        const emu::Machine& machine_;
    };

    Result<std::unique_ptr<ArmedEvent>> arm_entry(const ProbeDefinition& definition,
                                                  std::function<void(const EventHit&)> on_hit);
    Result<std::unique_ptr<ArmedEvent>> arm_return(const ProbeDefinition& definition,
                                                   std::function<void(const EventHit&)> on_hit);
    /// What a handler on this CPU sees; `ip` as pt_regs has it.
    [[nodiscard]] EventHit look(const emu::Cpu& cpu, std::uint64_t ip);

    emu::Machine& machine_;
    Kprobes& kprobes_;
    Reader reader_{machine_};
    GuestContext context_;
};

}  // namespace trapgate::kernel
