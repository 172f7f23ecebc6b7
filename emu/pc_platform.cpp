// SPDX-License-Identifier: GPL-2.0-only
// What hangs on the CPU: ports, device registers, platform MSRs, and the way of an interrupt from a
// device's line to the CPU's pin: line -> 8259 pair and IO-APIC -> local APIC (LINT0 for the 8259)
// -> CPU.
#include <algorithm>

#include "emu/pc_machine.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kTaskPriorityRegister = 0x80;  // of the local APIC

}  // namespace

std::optional<std::uint8_t> PcMachine::acknowledge_interrupt() {
    PcCpu& cpu = here();
    if (cpu.apic.pending()) {
        return cpu.apic.acknowledge();
    }
    if (external_pending(cpu)) {
        return pic_.acknowledge();
    }
    return std::nullopt;
}

bool PcMachine::external_pending(const PcCpu& cpu) const {
    return pic_.asserted() && cpu.apic.passes_external();
}

void PcMachine::update_interrupt_line(PcCpu& cpu) {
    cpu.engine->set_interrupt_line(cpu.apic.pending().has_value() || external_pending(cpu));
}

void PcMachine::update_interrupt_lines() {
    for (const auto& cpu : cpus_) {
        update_interrupt_line(*cpu);
    }
}

bool PcMachine::wakes(const PcCpu& cpu) const {
    return cpu.engine->nmi_ready() || ((cpu.engine->rflags() & cpu::rflags::kIf) != 0 &&
                                       (cpu.apic.pending() || external_pending(cpu)));
}

void PcMachine::set_irq(unsigned irq, bool high) {
    pic_.set_line(irq, high);
    io_apic_.set_line(irq == kTimerIrq ? 2 : irq, high);
}

// Interrupts between CPUs and from the IO-APIC (Intel SDM vol. 3, 11.6).

void PcMachine::deliver(const ApicMessage& message) {
    constexpr std::uint8_t kBroadcast = 0xff;
    for (const auto& cpu : cpus_) {
        const bool meant = message.logical ? cpu->apic.in_logical_destination(message.destination)
                                           : message.destination == cpu->apic.id() ||
                                                 message.destination == kBroadcast;
        if (meant) {
            deliver_to(*cpu, message);
            if (message.mode == DeliveryMode::LowestPriority) {
                return;  // One of them; the first is as good as any.
            }
        }
    }
}

void PcMachine::deliver_to(PcCpu& cpu, const ApicMessage& message) {
    switch (message.mode) {
        case DeliveryMode::Fixed:
        case DeliveryMode::LowestPriority:
            cpu.apic.request(message.vector, message.level_triggered);
            break;
        case DeliveryMode::Nmi: cpu.engine->raise_nmi(); break;
        case DeliveryMode::Init: send_init(cpu); break;
        case DeliveryMode::StartUp: send_startup(cpu, message.vector); break;
        default: break;
    }
}

void PcMachine::send_init(PcCpu& cpu) {
    cpu.activity = PcCpu::Activity::WaitForSipi;
    cpu.startup.reset();
    cpu.apic.reset();
}

void PcMachine::send_startup(PcCpu& cpu, std::uint8_t vector) {
    if (cpu.activity == PcCpu::Activity::WaitForSipi) {
        cpu.startup = vector;
    }
}

void PcMachine::send_ipi(const PcCpu& from, std::uint64_t command) {
    enum Shorthand : unsigned { kNone, kSelf, kAll, kOthers };
    const auto shorthand = static_cast<Shorthand>((command >> 18) & 3);
    const bool assert_level = ((command >> 14) & 1) != 0;
    const ApicMessage message{.vector = static_cast<std::uint8_t>(command),
                              .destination = static_cast<std::uint8_t>(command >> 56),
                              .logical = ((command >> 11) & 1) != 0,
                              .level_triggered = false,
                              .mode = static_cast<DeliveryMode>((command >> 8) & 7)};
    if (message.mode == DeliveryMode::Init && !assert_level) {
        return;  // INIT level de-assert: nothing since the Pentium 4.
    }
    if (shorthand == kNone) {
        deliver(message);
    } else {
        for (const auto& cpu : cpus_) {
            const bool self = cpu.get() == &from;
            if (self ? shorthand != kOthers : shorthand != kSelf) {
                deliver_to(*cpu, message);
            }
        }
    }
    if (cpus_.size() > 1 || here().activity != PcCpu::Activity::Running) {
        slice_end_ = std::min(slice_end_, now());  // Whoever was woken gets a turn.
        set_deadline();
    }
}

std::uint64_t PcMachine::read_msr(std::uint32_t index) {
    PcCpu& cpu = here();
    switch (index) {
        case msr::kTsc: return time_stamp_counter();
        case msr::kApicBase: return cpu.apic.base_msr();
        case msr::kTscDeadline:
            return cpu.apic.deadline() == 0 ? 0 : cpu.msrs.time_stamp(cpu.apic.deadline());
        default: return cpu.msrs.read(index, now().value);
    }
}

bool PcMachine::write_msr(std::uint32_t index, std::uint64_t value) {
    PcCpu& cpu = here();
    switch (index) {
        case msr::kApicBase: return cpu.apic.set_base_msr(value);
        case msr::kTscDeadline:
            // In the past: at once. 0 disarms.
            cpu.apic.set_deadline(
                value == 0 ? 0 : std::max(cpu.msrs.cycles_at(value), std::uint64_t{1}));
            return true;
        default: return cpu.msrs.write(index, value, now().value);
    }
}

std::uint8_t PcMachine::task_priority() {
    return static_cast<std::uint8_t>(here().apic.read(kTaskPriorityRegister) >> 4 & 0xf);
}

void PcMachine::set_task_priority(std::uint8_t value) {
    here().apic.write(kTaskPriorityRegister, std::uint32_t{value} << 4);
}

std::uint64_t PcMachine::device_read(GuestPa pa, unsigned bytes) {
    // Registers are 32 bits wide, at 16-byte steps; narrower accesses see their part.
    const auto offset = static_cast<std::uint32_t>(pa.value & (kPageBytes - 1));
    const std::uint32_t aligned = offset & ~3U;
    const std::uint32_t word = pa < kLocalApicBase ? io_apic_.read(aligned)
                                                   : here().apic.read(aligned);
    return (std::uint64_t{word} >> (8 * (offset & 3))) & (~0ULL >> (64 - 8 * bytes));
}

void PcMachine::device_write(GuestPa pa, unsigned bytes, std::uint64_t value) {
    const auto offset = static_cast<std::uint32_t>(pa.value & (kPageBytes - 1));
    if (bytes != 4 || offset % 4 != 0) {
        return;  // Undefined on hardware.
    }
    if (pa < kLocalApicBase) {
        io_apic_.write(offset, static_cast<std::uint32_t>(value));
    } else {
        here().apic.write(offset, static_cast<std::uint32_t>(value));
    }
}

std::uint32_t PcMachine::port_in(std::uint16_t port, unsigned bytes) {
    return ports_.read(port, bytes);
}

void PcMachine::port_out(std::uint16_t port, unsigned bytes, std::uint32_t value) {
    ports_.write(port, bytes, value);
}

}  // namespace trapgate::emu
