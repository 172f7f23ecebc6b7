// SPDX-License-Identifier: GPL-2.0-only
#include "cli/console_feed.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.hpp"

namespace trapgate::cli {
namespace {

constexpr std::size_t kMostWaiting = 65536;
constexpr std::string_view kEndOfInput = "\x04";  // Ctrl-D

// Beside the console, which another thread may be writing to: in one piece.
void show_help() {
    const std::string_view text = ConsoleKeys::help_text();
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

ConsoleInput what_stdin_is(bool shows_console) {
    struct stat status{};
    if (::fstat(STDIN_FILENO, &status) != 0) {
        return ConsoleInput::None;
    }
    if (::isatty(STDIN_FILENO) == 1) {
        const bool ours = ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
        return ours && shows_console ? ConsoleInput::Terminal : ConsoleInput::None;
    }
    if (S_ISREG(status.st_mode)) {
        return ConsoleInput::File;
    }
    return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ? ConsoleInput::Pipe
                                                                : ConsoleInput::None;
}

ConsoleFeed::ConsoleFeed(emu::Machine& machine, ConsoleInput input, bool read_to_end)
    : machine_(machine), input_(input), needs_end_(read_to_end) {
    if (input_ == ConsoleInput::None) {
        end_input();
        return;
    }
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    TG_CHECK(wake_, "an eventfd for the console's input");
    if (input_ == ConsoleInput::Terminal) {
        raw_ = std::make_unique<RawTerminal>(STDIN_FILENO);
    }
    open_ = true;
    // What is there before the run begins comes at the same cycle each time.
    while (input_ == ConsoleInput::File && sent_ < kMostWaiting) {
        if (!read_some()) {
            end_input();
            return;
        }
    }
    // Signals are for the thread that runs the machine.
    sigset_t blocked{};
    sigset_t before{};
    ::sigemptyset(&blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) {
        ::sigaddset(&blocked, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    thread_ = std::thread([this] { loop(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ConsoleFeed::~ConsoleFeed() {
    if (thread_.joinable()) {
        closing_ = true;
        ::eventfd_write(wake_.get(), 1);
        thread_.join();
    }
}

void ConsoleFeed::look_at_backlog() {
    if (!wake_) {
        return;
    }
    backlog_ = machine_.console_backlog();
    if (sent_.exchange(0) != 0) {
        ::eventfd_write(wake_.get(), 1);
    }
}

void ConsoleFeed::type(std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    machine_.console_input(bytes);
    const std::size_t before = sent_.fetch_add(bytes.size());
    if (before < kMostWaiting / 2 && before + bytes.size() >= kMostWaiting / 2 &&
        thread_.joinable()) {
        machine_.request_stop();  // A slice may be long; the backlog wants to be looked at.
    }
}

bool ConsoleFeed::read_some() {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (input_ != ConsoleInput::Terminal) {
        type(bytes);
        needs_end_ = needs_end_ || !bytes.empty();
        return !bytes.empty();
    }
    const TypedKeys keys = keys_.take(bytes);
    if (backlog_ + sent_ < kMostWaiting) {
        type(keys.to_guest);
    }
    if (keys.help) {
        show_help();
    }
    // A terminal that is gone leaves, too.
    if (keys.leave || bytes.empty()) {
        leaving_ = true;
    }
    return !leaving_;
}

void ConsoleFeed::loop() {
    while (!closing_) {
        const bool full = input_ != ConsoleInput::Terminal && backlog_ + sent_ >= kMostWaiting;
        std::array<pollfd, 2> wanted{pollfd{wake_.get(), POLLIN, 0},
                                     pollfd{full ? -1 : STDIN_FILENO, POLLIN, 0}};
        if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) {
            break;
        }
        eventfd_t count = 0;
        ::eventfd_read(wake_.get(), &count);
        if (wanted[1].revents != 0 && !read_some()) {
            break;
        }
    }
    if (!closing_) {
        end_input();
        machine_.request_stop();  // The run has another look at us.
    }
}

void ConsoleFeed::end_input() {
    if (needs_end_ && input_ != ConsoleInput::Terminal) {
        type(kEndOfInput);
    }
    open_ = false;
}

}  // namespace trapgate::cli
