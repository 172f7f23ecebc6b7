// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpf/maps/memfd_storage.hpp"
#include "kernel/api/host_kernel.hpp"

namespace trapgate::kernel {

/// A probe backend without a machine: programs run nothing, and a test makes the hits.
class FakeProbes final : public ProbeBackend {
public:
    Result<std::unique_ptr<PlacedProgram>> place(
        const std::string& name, const bpf::VerifiedProgram& program,
        std::vector<std::shared_ptr<bpf::Map>> maps) override;
    Result<std::unique_ptr<ArmedProbe>> arm(const ProbeTarget& target,
                                            std::weak_ptr<ProbeClient> client) override;

    struct Armed {
        ProbeTarget target;
        std::weak_ptr<ProbeClient> client;
    };
    /// Everything in place now, by age.
    std::vector<std::shared_ptr<Armed>> armed;
    /// All programs placed and not yet freed.
    int placed = 0;
    /// What arm() answers for any other symbol is ENOENT.
    std::string known_symbol = "do_sys_openat2";
};

/// A HostKernel over FakeProbes and maps in memfds.
struct FakeGuest {
    explicit FakeGuest(std::vector<std::byte> kernel_btf = {});

    emu::SymbolTable symbols;
    std::vector<std::byte> btf;
    bpf::MemfdStorage storage;
    FakeProbes probes;
    HostKernel kernel;
};

/// The kernel that runs the tests, where it answers bpf(2).
[[nodiscard]] bool linux_answers_bpf();
/// The system call itself: the answer, or a negative errno.
[[nodiscard]] long linux_bpf(int cmd, union bpf_attr* attr, unsigned size);

/// attr for a map; the rest zero.
[[nodiscard]] union bpf_attr map_attr(std::uint32_t type, std::uint32_t key, std::uint32_t value,
                                      std::uint32_t entries, std::uint32_t flags = 0);

/// attr for a program of `insns`, licence GPL. The instructions must stay alive.
[[nodiscard]] union bpf_attr program_attr(std::uint32_t type, std::span<const bpf::Insn> insns);

}  // namespace trapgate::kernel
