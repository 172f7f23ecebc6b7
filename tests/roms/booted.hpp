// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emu/boot.hpp"

namespace trapgate::roms {

/// The minikernel in a machine of its own.
class Booted {
public:
    explicit Booted(const std::string& command_line = "", std::uint64_t ram_bytes = 256ULL << 20,
                    unsigned cpus = 1, std::vector<std::byte> initrd_overlay = {});

    /// Counts the calls of these functions from now on; the kernel runs until its own mapping
    /// exists.
    void count_calls(const std::vector<std::string>& functions);
    /// To the end, or to a limit far behind it.
    emu::StopEvent run(std::uint64_t max_instructions = 200'000'000);

    std::unique_ptr<emu::Machine> machine;
    std::string console;
    std::map<std::string, std::uint64_t> calls;
};

}  // namespace trapgate::roms
