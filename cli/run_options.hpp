// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/console_feed.hpp"
#include "emu/gdb/server.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::cli {

/// The words of `trapgate run`, as typed. Empty: not given.
struct RunWords {
    std::string image, kernel, initrd, append, shell, model = "functional", memory = "256M";
    std::string cpus = "1";
    std::string max_cycles, max_insns, timeout, until;
    std::string report, output, pace, record, replay, gdb;
    std::vector<std::string> probes, objects, added;
    std::vector<std::string> program;  ///< What stands behind "--".
    bool json = false, workload = false;
    bool gdb_here = false, wait_for_gdb = false;  ///< -s, -S
};

/// What they mean.
struct RunOptions {
    kernel::SessionConfig session;
    emu::RunLimits limits;
    std::string until;                             ///< Symbol to stop at; empty for none.
    std::optional<emu::gdb::Server::Options> gdb;  ///< A debugger's server.
    std::filesystem::path report;                  ///< Empty for none; "-" for stdout.
    std::filesystem::path record;                  ///< Where the input's log goes; empty for none.
    std::filesystem::path output;                  ///< Where events and dumps go; empty for stderr.
    bool json = false;
    ConsoleInput input = ConsoleInput::None;
    bool read_to_end = false;  ///< The guest is a shell that reads the console, and nothing else.
};

/// The timing models there are, best known first.
[[nodiscard]] const std::vector<std::string_view>& model_names();

/// For a file that does not exist: the nearest names in its folder, or what else to check.
[[nodiscard]] std::string near_files(const std::filesystem::path& file);

/// Errors name the option or file. Files must exist; symbols are for the guest to know. What goes
/// into the guest's initramfs is read here.
[[nodiscard]] Result<RunOptions> read_run_options(const RunWords& words);

}  // namespace trapgate::cli
