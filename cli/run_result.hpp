// SPDX-License-Identifier: GPL-2.0-only
// How a run ended, and how that is told.
#pragma once

#include <optional>
#include <string>

#include "cli/terminal.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::cli {

struct RunResult {
    kernel::SessionSnapshot last;  ///< `last.stop` is why the run ended, also for a limit.
    std::string reached;           ///< The symbol of --until that was reached; else empty.
    int signal = 0;                ///< SIGINT and the like, when one ended the run.
    bool left = false;             ///< By Ctrl-A x.
    /// A replay came to where the recorded run was stopped: it ends with that one's status.
    std::optional<emu::RecordedEnd> replayed;
    double host_seconds = 0;
};

/// The process's exit status (README.md).
[[nodiscard]] int exit_status(const RunResult& result);

/// Why the run ended, without where: "interrupted", "insn-limit".
[[nodiscard]] std::string ending_words(const RunResult& result);

/// One line: "trapgate: guest-exit, status 0; 812345 cycles (functional), 812345 instructions".
/// Endings that need explaining add a "hint: ..." line.
[[nodiscard]] std::string ending_text(const RunResult& result, const Terminal& terminal);

/// Probes with hits and misses, maps with their elements, rings with records and drops; nothing
/// for what there is none of. Registers, too, when --until was reached.
[[nodiscard]] std::string summary_text(const RunResult& result);

}  // namespace trapgate::cli
