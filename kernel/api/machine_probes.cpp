// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/machine_probes.hpp"

#include <utility>

#include "bpf/runtime/pt_regs.hpp"

namespace trapgate::kernel {
namespace {

class GuestCode final : public PlacedProgram {
public:
    explicit GuestCode(std::shared_ptr<bpf::GuestProgram> program) : program_(std::move(program)) {}
    [[nodiscard]] std::span<const std::uint8_t> code() const override {
        return program_->image().code;
    }
    [[nodiscard]] GuestVa entry() const override { return program_->entry(); }
    [[nodiscard]] std::uint64_t runs() const override { return program_->runs(); }
    [[nodiscard]] const std::shared_ptr<bpf::GuestProgram>& program() const { return program_; }

private:
    std::shared_ptr<bpf::GuestProgram> program_;
};

class ArmedKprobe final : public ArmedProbe {
public:
    explicit ArmedKprobe(KprobeHandle handle) : handle_(std::move(handle)) {}
    [[nodiscard]] std::uint64_t hits() const override { return handle_->hits(); }
    [[nodiscard]] std::uint64_t missed() const override { return handle_->nmissed(); }
    [[nodiscard]] std::vector<MissReason> misses() const override { return misses_of(*handle_); }

private:
    KprobeHandle handle_;
};

class ArmedKretprobe final : public ArmedProbe {
public:
    explicit ArmedKretprobe(KretprobeHandle handle) : handle_(std::move(handle)) {}
    [[nodiscard]] std::uint64_t hits() const override { return handle_->hits(); }
    [[nodiscard]] std::uint64_t missed() const override { return handle_->nmissed(); }
    [[nodiscard]] std::vector<MissReason> misses() const override { return misses_of(*handle_); }

private:
    KretprobeHandle handle_;
};

}  // namespace

Result<std::unique_ptr<PlacedProgram>> MachineProbes::place(
    const std::string& name, const bpf::VerifiedProgram& program,
    std::vector<std::shared_ptr<bpf::Map>> maps) {
    auto placed = runtime_.load(program, std::move(maps), name);
    if (!placed) {
        return tl::unexpected(placed.error());
    }
    return std::make_unique<GuestCode>(std::move(*placed));
}

void MachineProbes::run_program(const std::weak_ptr<ProbeClient>& client, ProbeRegs& regs,
                                GuestVa ip, const std::function<void()>& missed,
                                std::function<void()> done) {
    const auto listener = client.lock();
    auto* const code = listener == nullptr ? nullptr
                                           : static_cast<GuestCode*>(listener->program_at_hit());
    if (code == nullptr) {
        done();
        return;
    }
    if (runtime_.busy()) {
        missed();
        done();
        return;
    }
    const bpf::PtRegs context = bpf::pt_regs_of(regs.cpu(), ip.value);
    runtime_.run(code->program(), context, [client, done = std::move(done)](std::uint64_t r0) {
        if (const auto still_there = client.lock()) {
            still_there->program_ran(r0);
        }
        done();
    });
}

Result<std::unique_ptr<ArmedProbe>> MachineProbes::arm(const ProbeTarget& target,
                                                       std::weak_ptr<ProbeClient> client) {
    if (target.on_return) {
        return arm_return(target, client);
    }
    KprobeSpec spec;
    spec.symbol = target.symbol;
    spec.offset = target.offset;
    spec.address = target.address;
    // Linux gives programs the address behind the int3, which is one byte.
    spec.guest_handler = [this, client](Kprobe& probe, ProbeRegs& regs,
                                        std::function<void()> done) {
        run_program(
            client, regs, probe.address() + 1, [&probe] { probe.count_missed(); }, std::move(done));
    };
    auto registered = kprobes_.register_kprobe(std::move(spec));
    if (!registered) {
        return tl::unexpected(registered.error());
    }
    return std::make_unique<ArmedKprobe>(std::move(*registered));
}

Result<std::unique_ptr<ArmedProbe>> MachineProbes::arm_return(
    const ProbeTarget& target, const std::weak_ptr<ProbeClient>& client) {
    KretprobeSpec spec;
    spec.symbol = target.symbol;
    spec.offset = target.offset;
    spec.address = target.address;
    // Programs find the address that the function returns to.
    spec.guest_handler = [this, client](KretprobeInstance& instance, ProbeRegs& regs,
                                        std::function<void()> done) {
        Kretprobe& probe = instance.probe();
        run_program(
            client, regs, instance.return_address(), [&probe] { probe.count_missed(); },
            std::move(done));
    };
    auto registered = kprobes_.register_kretprobe(std::move(spec));
    if (!registered) {
        return tl::unexpected(registered.error());
    }
    return std::make_unique<ArmedKretprobe>(std::move(*registered));
}

ProbeServices::ProbeServices(emu::Machine& machine)
    : runtime_(machine), kprobes_(machine), probes_(runtime_, kprobes_) {
    kernel_ = std::make_unique<HostKernel>(
        GuestFacts{.symbols = [&machine]() -> const emu::SymbolTable& { return machine.symbols(); },
                   .btf = [&machine] { return machine.kernel_btf(); },
                   .now_ns = [&machine] { return machine.now_ns(); }},
        runtime_.storage(), probes_);
    runtime_.set_wakeup_sink([this](bpf::Map&) { kernel_->sync_readiness(); });
}

ProbeServices::~ProbeServices() { runtime_.set_wakeup_sink(nullptr); }

}  // namespace trapgate::kernel
