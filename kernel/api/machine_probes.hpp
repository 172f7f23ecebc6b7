// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpf/runtime/runtime.hpp"
#include "kernel/api/host_kernel.hpp"
#include "kernel/api/probe_backend.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {

/// Probes of a machine that run programs on its CPU: kprobes from `kprobes`, programs by `runtime`.
class MachineProbes final : public ProbeBackend {
public:
    /// Both must outlive it, and it must outlive the probes it armed.
    MachineProbes(bpf::GuestRuntime& runtime, Kprobes& kprobes)
        : runtime_(runtime), kprobes_(kprobes) {}

    Result<std::unique_ptr<PlacedProgram>> place(
        const std::string& name, const bpf::VerifiedProgram& program,
        std::vector<std::shared_ptr<bpf::Map>> maps) override;
    Result<std::unique_ptr<ArmedProbe>> arm(const ProbeTarget& target,
                                            std::weak_ptr<ProbeClient> client) override;

private:
    Result<std::unique_ptr<ArmedProbe>> arm_return(const ProbeTarget& target,
                                                   const std::weak_ptr<ProbeClient>& client);
    /// Runs the client's program, if any, with `ip` in its pt_regs.
    void run_program(const std::weak_ptr<ProbeClient>& client, ProbeRegs& regs, GuestVa ip,
                     const std::function<void()>& missed, std::function<void()> done);

    bpf::GuestRuntime& runtime_;
    Kprobes& kprobes_;
};

/// Everything that puts probes and programs into one machine, made in the right order: what a tool
/// needs besides the machine itself. The machine must outlive it.
class ProbeServices {
public:
    explicit ProbeServices(emu::Machine& machine);
    ProbeServices(const ProbeServices&) = delete;
    ProbeServices& operator=(const ProbeServices&) = delete;
    ~ProbeServices();

    [[nodiscard]] HostKernel& kernel() { return *kernel_; }
    [[nodiscard]] Kprobes& kprobes() { return kprobes_; }
    [[nodiscard]] bpf::GuestRuntime& runtime() { return runtime_; }

    /// Lines of bpf_trace_printk.
    void set_trace_sink(std::function<void(const bpf::TraceLine&)> sink) {
        runtime_.set_trace_sink(std::move(sink));
    }

private:
    bpf::GuestRuntime runtime_;
    Kprobes kprobes_;
    MachineProbes probes_;
    std::unique_ptr<HostKernel> kernel_;
};

}  // namespace trapgate::kernel
