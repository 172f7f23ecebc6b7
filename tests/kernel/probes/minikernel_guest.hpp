// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "emu/boot.hpp"
#include "kernel/session/early_boot.hpp"

namespace trapgate::kernel {

/// The minikernel at start_kernel; its console is kept.
class MinikernelProbe : public ::testing::Test {
protected:
    struct Guest {
        std::unique_ptr<emu::Machine> machine;
        std::string console;
        emu::StopEvent run() {
            return machine->run({.max_instructions = 2'000'000'000, .max_host_seconds = 100});
        }
    };

    static std::unique_ptr<Guest> boot(const std::string& command_line = "console=ttyS0",
                                       unsigned cpus = 1,
                                       emu::ProbeCost cost = emu::ProbeCost::Charged) {
        auto guest = std::make_unique<Guest>();
        guest->machine = std::move(*emu::Machine::create({.cpus = cpus, .probe_cost = cost}));
        const std::filesystem::path image = std::filesystem::path(TRAPGATE_SHARE_DIR) /
                                            "minikernel.elf";
        const Result<void> loaded = emu::load_boot_image(
            *guest->machine, {.kernel = image, .command_line = command_line});
        EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
        guest->machine->set_console_sink(
            [target = guest.get()](std::string_view text) { target->console += text; });
        EXPECT_FALSE(boot_until_probes_can_be_armed(*guest->machine).has_value());
        return guest;
    }

    /// Console lines without what depends on virtual time, which probes cost: timestamps, ticks,
    /// and which of two tasks is first.
    static std::multiset<std::string> timeless_lines(const std::string& console) {
        std::multiset<std::string> out;
        std::istringstream lines(console);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("[")) {
                line.erase(0, line.find(']') + 1);
            }
            if (const std::size_t ticks = line.find("pass ("); ticks != std::string::npos) {
                line.resize(ticks);
            }
            out.insert(line);
        }
        return out;
    }
};

}  // namespace trapgate::kernel
