// SPDX-License-Identifier: GPL-2.0-only
#include "cli/raw_terminal.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include <termios.h>

#include "base/check.hpp"

namespace trapgate::cli {
namespace {

// What ends a process; those that InterruptGuard turns into a stop of the guest are its own.
constexpr std::array kFatal{SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

// A signal handler knows no object: these are its arguments.
std::atomic<int> raw_fd{-1};
termios cooked_settings{};
termios raw_settings{};
std::array<struct sigaction, kFatal.size()> previous_actions{};

// tcsetattr is safe in a handler. With SIGTTOU blocked a background process is not stopped for it.
void apply(const termios& settings) {
    const int fd = raw_fd;
    if (fd < 0) {
        return;
    }
    sigset_t blocked{};
    sigset_t before{};
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    while (::tcsetattr(fd, TCSANOW, &settings) != 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void on_fatal(int signal) {
    restore_terminal();
    for (std::size_t i = 0; i < kFatal.size(); ++i) {
        if (kFatal[i] == signal) {
            ::sigaction(signal, &previous_actions[i], nullptr);
        }
    }
    ::raise(signal);  // Taken when this handler has returned.
}

void set_handler(int signal, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
}

void on_stop(int) {
    const int keep = errno;
    apply(cooked_settings);
    ::raise(SIGSTOP);
    apply(raw_settings);
    errno = keep;
}

void on_exit() { restore_terminal(); }

}  // namespace

void restore_terminal() {
    const int keep = errno;
    apply(cooked_settings);
    raw_fd = -1;
    errno = keep;
}

RawTerminal::RawTerminal(int fd) {
    if (::tcgetattr(fd, &cooked_settings) != 0) {
        return;
    }
    static const int kRegistered = std::atexit(on_exit);
    static_cast<void>(kRegistered);
    raw_settings = cooked_settings;
    raw_settings.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | INLCR | IGNCR | INPCK | ISTRIP |
                                                   IXON | PARMRK | IGNBRK);
    raw_settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw_settings.c_cc[VMIN] = 1;
    raw_settings.c_cc[VTIME] = 0;
    raw_fd = fd;
    set_bug_hook(restore_terminal);
    for (std::size_t i = 0; i < kFatal.size(); ++i) {
        struct sigaction action{};
        action.sa_handler = on_fatal;
        ::sigaction(kFatal[i], &action, &previous_actions[i]);
    }
    set_handler(SIGTSTP, on_stop);
    apply(raw_settings);
}

RawTerminal::~RawTerminal() {
    restore_terminal();
    std::signal(SIGTSTP, SIG_DFL);
    for (std::size_t i = 0; i < kFatal.size(); ++i) {
        ::sigaction(kFatal[i], &previous_actions[i], nullptr);
    }
    set_bug_hook(nullptr);
}

}  // namespace trapgate::cli
