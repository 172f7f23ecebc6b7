// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.hpp"
#include "cli/run_options.hpp"
#include "cli/run_output.hpp"

namespace trapgate::cli {

/// Boots and runs a guest to its end, a limit, --until or a signal; everything that happens goes to
/// `output`, which is not told of the end. Also ends when nobody reads stdout any more.
[[nodiscard]] Result<RunResult> run_guest(const RunOptions& options, RunOutput& output);

}  // namespace trapgate::cli
