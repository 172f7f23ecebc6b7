// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {

/// The guest of several_cpus_guest.S: the first CPU starts the others, works with them, changes
/// code under them and wakes them.
class SeveralCpus {
public:
    static constexpr std::uint64_t kWork = 1000;  ///< What each adds to the sum they share.

    /// What there is to compare.
    struct State {
        StopEvent stop;
        Counters counters;
        std::vector<cpu::RegisterFile> registers;
        std::vector<std::uint64_t> instructions;
        std::vector<std::byte> low_memory;
        bool operator==(const State&) const = default;
    };

    /// The first CPU is at its beginning, the others wait for it.
    explicit SeveralCpus(unsigned cpus);

    StopEvent run(std::uint64_t max_instructions);
    StopEvent run_in_pieces(std::uint64_t piece);
    [[nodiscard]] State state(const StopEvent& stop) const;
    /// A word of what the CPUs share: several_cpus_guest.S says which there are.
    [[nodiscard]] std::uint64_t shared(std::uint64_t offset) const;

    std::unique_ptr<Machine> machine;

private:
    void put(GuestVa at, std::span<const std::uint8_t> bytes);
    void word(GuestPa at, std::uint64_t value);
    void set_gate(unsigned vector, std::uint64_t handler);
};

}  // namespace trapgate::emu
