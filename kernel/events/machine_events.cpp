// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/machine_events.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

class ArmedKprobeEvent final : public ArmedEvent {
public:
    ArmedKprobeEvent(Kprobes& kprobes, KprobeHandle handle)
        : kprobes_(kprobes), handle_(std::move(handle)) {}

    Result<void> set_enabled(bool enabled) override {
        return enabled ? kprobes_.enable(*handle_) : kprobes_.disable(*handle_);
    }
    [[nodiscard]] GuestVa address() const override { return handle_->address(); }
    [[nodiscard]] std::string where() const override { return handle_->where(); }
    [[nodiscard]] std::uint64_t hits() const override { return handle_->hits(); }
    [[nodiscard]] std::vector<MissReason> misses() const override { return misses_of(*handle_); }

private:
    Kprobes& kprobes_;
    KprobeHandle handle_;
};

class ArmedReturnEvent final : public ArmedEvent {
public:
    ArmedReturnEvent(Kprobes& kprobes, KretprobeHandle handle)
        : kprobes_(kprobes), handle_(std::move(handle)) {}

    Result<void> set_enabled(bool enabled) override {
        return enabled ? kprobes_.enable(handle_->entry()) : kprobes_.disable(handle_->entry());
    }
    [[nodiscard]] GuestVa address() const override { return handle_->address(); }
    [[nodiscard]] std::string where() const override { return handle_->where(); }
    [[nodiscard]] std::uint64_t hits() const override { return handle_->hits(); }
    [[nodiscard]] std::vector<MissReason> misses() const override { return misses_of(*handle_); }

private:
    Kprobes& kprobes_;
    KretprobeHandle handle_;
};

}  // namespace

EventHit MachineEvents::look(const emu::Cpu& cpu, std::uint64_t ip) {
    GuestContext::Now now = context_.read(cpu.rflags());
    const emu::SymbolTable& symbols = machine_.symbols();
    return {{bpf::pt_regs_of(cpu, ip),
             reader_,
             std::move(now.comm),
             symbol_texts().with_offset,
             [&symbols](std::string_view name) {
                 const Result<emu::Symbol> symbol = symbols.find(name);
                 return symbol ? std::optional(symbol->address.value) : std::nullopt;
             },
             {}},
            std::move(now.context)};
}

Result<std::unique_ptr<ArmedEvent>> MachineEvents::arm(
    const ProbeDefinition& definition, std::function<void(const EventHit&)> on_hit) {
    return definition.on_return ? arm_return(definition, std::move(on_hit))
                                : arm_entry(definition, std::move(on_hit));
}

Result<std::unique_ptr<ArmedEvent>> MachineEvents::arm_return(
    const ProbeDefinition& definition, std::function<void(const EventHit&)> on_hit) {
    KretprobeSpec spec;
    spec.symbol = definition.symbol;
    spec.offset = definition.offset;
    spec.address = definition.address;
    spec.maxactive = definition.max_active;
    spec.disabled = true;
    spec.data_bytes = static_cast<std::uint32_t>(definition.entry_args.size() *
                                                 sizeof(std::uint64_t));
    if (!definition.entry_args.empty()) {
        spec.entry_handler = [this, args = definition.entry_args](KretprobeInstance& instance,
                                                                  ProbeRegs& regs) {
            const bpf::PtRegs entry = bpf::pt_regs_of(regs.cpu(), regs.ip().value + 1);
            std::vector<std::uint64_t> values;
            for (const unsigned index : args) {
                values.push_back(argument_value(entry, reader_, index));
            }
            std::ranges::copy(std::as_bytes(std::span(values)), instance.data().begin());
            return 0;
        };
    }
    spec.handler = [this, on_hit = std::move(on_hit)](KretprobeInstance& instance,
                                                      ProbeRegs& regs) {
        EventHit hit = look(regs.cpu(), instance.return_address().value);
        hit.ip = instance.probe().address().value;
        hit.ret_ip = instance.return_address().value;
        const std::span<const std::byte> saved = instance.data();
        hit.view.entry_values.resize(saved.size() / sizeof(std::uint64_t));
        std::ranges::copy(saved, std::as_writable_bytes(std::span(hit.view.entry_values)).begin());
        on_hit(hit);
    };
    return kprobes_.register_kretprobe(std::move(spec)).map([this](KretprobeHandle handle) {
        return std::unique_ptr<ArmedEvent>(
            std::make_unique<ArmedReturnEvent>(kprobes_, std::move(handle)));
    });
}

Result<std::unique_ptr<ArmedEvent>> MachineEvents::arm_entry(
    const ProbeDefinition& definition, std::function<void(const EventHit&)> on_hit) {
    KprobeSpec spec;
    spec.symbol = definition.symbol;
    spec.offset = definition.offset;
    spec.address = definition.address;
    spec.disabled = true;
    spec.pre_handler = [this, on_hit = std::move(on_hit)](Kprobe& probe, ProbeRegs& regs) {
        // Linux's pt_regs has the address behind the int3, which is one byte.
        EventHit hit = look(regs.cpu(), probe.address().value + 1);
        hit.ip = probe.address().value;
        on_hit(hit);
        return 0;
    };
    return kprobes_.register_kprobe(std::move(spec)).map([this](KprobeHandle handle) {
        return std::unique_ptr<ArmedEvent>(
            std::make_unique<ArmedKprobeEvent>(kprobes_, std::move(handle)));
    });
}

SymbolTexts MachineEvents::symbol_texts() const {
    const emu::SymbolTable& symbols = machine_.symbols();
    return {[&symbols](std::uint64_t va) { return symbols.describe(GuestVa{va}); },
            [&symbols](std::uint64_t va) {
                const emu::Symbol* symbol = symbols.containing(GuestVa{va});
                return symbol == nullptr ? fmt::format("{:#x}", va) : symbol->name;
            }};
}

FunctionRange MachineEvents::function_ranges() const {
    const emu::SymbolTable& symbols = machine_.symbols();
    return [&symbols](
               std::string_view name) -> std::optional<std::pair<std::uint64_t, std::uint64_t>> {
        const Result<emu::Symbol> symbol = symbols.find(name);
        if (!symbol) {
            return std::nullopt;
        }
        return std::pair(symbol->address.value,
                         symbol->address.value + std::max<std::uint64_t>(symbol->size, 1));
    };
}

}  // namespace trapgate::kernel
