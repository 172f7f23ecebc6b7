// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/unique_fd.hpp"

namespace trapgate::cli {

/// A shell command on a terminal of its own, as a person would run it.
class PtyProcess {
public:
    explicit PtyProcess(const std::string& command);
    ~PtyProcess();
    PtyProcess(const PtyProcess&) = delete;
    PtyProcess& operator=(const PtyProcess&) = delete;

    void type(std::string_view keys);
    /// Reads on until `text` has been shown; false when it ended or 60 s passed before.
    bool shows(std::string_view text);
    /// Lets some time pass.
    void shows_nothing_for_a_moment() { static_cast<void>(read_some()); }
    /// Waits for its end: exit status, or 128 + signal.
    int wait();
    void send_signal(int signal) const;

    /// All that the terminal has shown so far.
    [[nodiscard]] const std::string& shown() const { return shown_; }
    /// Keys are handed over in lines, with echo.
    [[nodiscard]] bool terminal_is_cooked() const;

private:
    bool read_some();

    UniqueFd terminal_;
    pid_t child_ = -1;
    std::string shown_;
};

}  // namespace trapgate::cli
