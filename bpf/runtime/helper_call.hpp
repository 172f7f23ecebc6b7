// SPDX-License-Identifier: GPL-2.0-only
// The helpers that trap to the host: what one call gets to see, and where its body is found.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "bpf/maps/map.hpp"
#include "bpf/runtime/guest_program.hpp"
#include "emu/machine.hpp"

namespace trapgate::bpf {

/// One bpf_trace_printk, with what a line of trace_pipe shows beside the text.
struct TraceLine {
    std::uint64_t ns = 0;
    unsigned cpu = 0;
    std::uint32_t pid = 0;
    std::string comm;
    std::string text;
};

/// The values that programs hold for "pointer to this map". They look like kernel addresses and map
/// nothing.
class MapHandles {
public:
    /// The same map always has the same handle; handles are given out in order.
    [[nodiscard]] std::uint64_t handle_of(const std::shared_ptr<Map>& map);
    /// Null for a value that is no handle, or whose map is gone.
    [[nodiscard]] std::shared_ptr<Map> find(std::uint64_t handle) const;

private:
    std::vector<std::weak_ptr<Map>> maps_;
};

/// Where the guest kernel keeps what helpers ask of the current task.
struct TaskLayout {
    std::uint64_t current_task = 0;  ///< Symbol value: an offset from GS base when per-CPU, else an
                                     ///< address.
    std::uint32_t pid = 0, tgid = 0, comm = 0;  ///< Byte offsets in struct task_struct.

    /// From the kernel's symbols and BTF; nothing when they do not say.
    [[nodiscard]] static std::optional<TaskLayout> find(const emu::Machine& machine);
};

struct CurrentTask {
    std::uint32_t pid = 0, tgid = 0;
    std::string comm;  ///< At most 15 characters.
    GuestVa address;   ///< Of its task_struct.
};

/// Where a symbol lies for the CPU that runs: `value` is an offset from its per-CPU base when the
/// symbol is a per-CPU one (they count from 0), else an address already. Right also where the
/// kernel has not exchanged GS with the user's yet.
[[nodiscard]] GuestVa per_cpu_address(const emu::Machine& machine, std::uint64_t value);

/// What helpers keep between calls.
struct HelperState {
    MapHandles maps;
    std::uint64_t prandom = 0x7261'6e64'6f6d'3332;  ///< Never from the host: runs must repeat.
    std::optional<TaskLayout> tasks;
    bool tasks_looked_up = false;
    std::function<void(const TraceLine&)> trace_sink;
    std::function<void(Map&)> wakeup_sink;

    /// The task that the CPU runs now; nothing when the kernel does not say.
    [[nodiscard]] std::optional<CurrentTask> current_task(const emu::Machine& machine);
};

/// One call of a helper by the program on the CPU.
struct HelperCall {
    emu::Machine& machine;
    const GuestProgram& program;
    HelperState& state;
    std::array<std::uint64_t, 5> args{};

    /// Bytes of guest memory; empty when they cannot be read, or are more than a verified program
    /// can ask for.
    [[nodiscard]] std::vector<std::byte> read(std::uint64_t va, std::uint64_t bytes) const;
    void write(std::uint64_t va, std::span<const std::byte> bytes) const;
    /// The map that an argument points to; null for none (its caller answers -EINVAL).
    [[nodiscard]] std::shared_ptr<Map> map(std::size_t argument) const;
    [[nodiscard]] std::optional<CurrentTask> current() const;
};

/// Gives R0.
using HelperBody = std::uint64_t (*)(HelperCall& call);

/// Null when the runtime has no such helper.
[[nodiscard]] HelperBody find_helper_body(std::uint32_t helper_id);

/// An errno as a helper returns it.
[[nodiscard]] constexpr std::uint64_t helper_error(int positive_errno) {
    return static_cast<std::uint64_t>(-static_cast<std::int64_t>(positive_errno));
}

}  // namespace trapgate::bpf
