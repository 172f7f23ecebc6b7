// SPDX-License-Identifier: GPL-2.0-only
#pragma once

namespace trapgate::cli {

/// While it lives, a terminal hands over keys as they are typed: no echo, no lines, no signals.
/// Output stays as it is. The terminal is put back by the destructor, by restore_terminal(), when a
/// signal ends the process, and when a bug of ours does; for the time that the process is stopped
/// (SIGTSTP) it is put back, too. One at a time.
class RawTerminal {
public:
    /// `fd` must be a terminal.
    explicit RawTerminal(int fd);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
};

/// Puts the terminal back now. Any thread, also a signal handler; without a RawTerminal it does
/// nothing.
void restore_terminal();

}  // namespace trapgate::cli
