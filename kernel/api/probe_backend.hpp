// SPDX-License-Identifier: GPL-2.0-only
// What the system-call face needs of a machine: a place for programs, and probes that run them.
// Narrow, so that the face can be tested without a guest; kernel/api/machine_probes.hpp is the real
// one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "bpf/maps/map.hpp"
#include "bpf/verifier/verifier.hpp"
#include "kernel/events/miss_reason.hpp"

namespace trapgate::kernel {

/// A probe place as perf_event_open(2) names it: a symbol with an offset, or an address (the symbol
/// is then empty).
struct ProbeTarget {
    std::string symbol;
    std::uint64_t offset = 0;
    std::optional<GuestVa> address;
    bool on_return = false;
    bool operator==(const ProbeTarget&) const = default;
};

/// A program's machine code in the guest. Destruction frees it, once no run is under way.
class PlacedProgram {
public:
    virtual ~PlacedProgram() = default;
    [[nodiscard]] virtual std::span<const std::uint8_t> code() const = 0;
    [[nodiscard]] virtual GuestVa entry() const = 0;
    /// Times it ran to its end.
    [[nodiscard]] virtual std::uint64_t runs() const = 0;
};

/// Who wants to know of a probe's hits.
class ProbeClient {
public:
    virtual ~ProbeClient() = default;
    /// What runs at a hit; null for nothing.
    [[nodiscard]] virtual PlacedProgram* program_at_hit() = 0;
    /// The program returned `r0`.
    virtual void program_ran(std::uint64_t r0) = 0;
};

/// A probe in place. Destruction takes it away.
class ArmedProbe {
public:
    virtual ~ArmedProbe() = default;
    [[nodiscard]] virtual std::uint64_t hits() const = 0;
    /// Hits that ran nothing because the CPU was inside a probe already.
    [[nodiscard]] virtual std::uint64_t missed() const = 0;
    /// Why, in all.
    [[nodiscard]] virtual std::vector<MissReason> misses() const { return {}; }
};

class ProbeBackend {
public:
    virtual ~ProbeBackend() = default;
    /// Makes a verified program ready to run in the guest; errors carry bpf(2)'s errno.
    [[nodiscard]] virtual Result<std::unique_ptr<PlacedProgram>> place(
        const std::string& name, const bpf::VerifiedProgram& program,
        std::vector<std::shared_ptr<bpf::Map>> maps) = 0;
    /// Puts a probe in place. A client that has gone in the middle of a hit is not told its end.
    /// Errors carry perf_event_open(2)'s errno.
    [[nodiscard]] virtual Result<std::unique_ptr<ArmedProbe>> arm(
        const ProbeTarget& target, std::weak_ptr<ProbeClient> client) = 0;
};

}  // namespace trapgate::kernel
