// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace trapgate {

struct ProcessOptions {
    std::filesystem::path folder;                    ///< To run in; empty: this process's own.
    std::vector<std::string> environment;            ///< "NAME=value", added to this process's own.
    double max_seconds = 60;                         ///< By the host's clock; then it is killed.
    std::size_t max_output = std::size_t{16} << 20;  ///< Of each stream; the rest is dropped.
};

struct ProcessResult {
    int status = 0;  ///< Exit status, or 128 + the signal that ended it, as a shell has it.
    bool timed_out = false;
    std::string out, err;
};

/// Runs a program (looked up in PATH) with stdin empty, and waits for it. ENOENT when there is no
/// such program.
[[nodiscard]] Result<ProcessResult> run_process(const std::vector<std::string>& command,
                                                const ProcessOptions& options = {});

/// The first of `names` that PATH has.
[[nodiscard]] std::optional<std::string> find_program(const std::vector<std::string>& names);

}  // namespace trapgate
