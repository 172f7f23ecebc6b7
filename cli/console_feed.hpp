// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <thread>

#include "base/unique_fd.hpp"
#include "cli/console_keys.hpp"
#include "cli/raw_terminal.hpp"
#include "emu/machine.hpp"

namespace trapgate::cli {

/// What standard input is to a run.
enum class ConsoleInput : std::uint8_t {
    None,      ///< Not read: a terminal that is not ours, or no input at all.
    Terminal,  ///< Keys, in raw mode.
    Pipe,      ///< A pipe or a socket: comes when it comes.
    File,      ///< Comes at once, so that its run can be repeated.
};

/// A terminal in the background, or one whose output goes elsewhere (`shows_console` is false), is
/// not read.
[[nodiscard]] ConsoleInput what_stdin_is(bool shows_console);

/// While it lives, a thread of its own hands standard input to the guest's console. The end of a
/// pipe or file is Ctrl-D if anything came before; the end of nothing is, too, when the guest does
/// nothing but read (`read_to_end`). `machine` must outlive it.
class ConsoleFeed {
public:
    ConsoleFeed(emu::Machine& machine, ConsoleInput input, bool read_to_end = false);
    ~ConsoleFeed();
    ConsoleFeed(const ConsoleFeed&) = delete;
    ConsoleFeed& operator=(const ConsoleFeed&) = delete;

    /// Ctrl-A x was typed; the machine was asked to stop.
    [[nodiscard]] bool leaving() const { return leaving_; }
    /// There may be more to come.
    [[nodiscard]] bool open() const { return open_; }
    /// To be called on the machine's thread now and then: looks how much the guest has taken. While
    /// much waits, a pipe waits, too, and keys are dropped.
    void look_at_backlog();

private:
    void loop();
    /// False at the end of input.
    bool read_some();
    void type(std::string_view bytes);
    void end_input();

    emu::Machine& machine_;
    ConsoleInput input_;
    std::unique_ptr<RawTerminal> raw_;
    UniqueFd wake_;
    ConsoleKeys keys_;
    bool needs_end_;
    std::atomic<bool> leaving_{false};
    std::atomic<bool> open_{false};
    std::atomic<bool> closing_{false};
    std::atomic<std::size_t> sent_{0};  ///< Since the last set_backlog().
    std::atomic<std::size_t> backlog_{0};
    std::thread thread_;
};

}  // namespace trapgate::cli
