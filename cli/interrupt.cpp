// SPDX-License-Identifier: GPL-2.0-only
#include "cli/interrupt.hpp"

#include <array>
#include <atomic>
#include <csignal>

#include "cli/raw_terminal.hpp"

namespace trapgate::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

// A signal handler knows no object: these are its arguments.
std::atomic<emu::Machine*> guarded_machine;
std::atomic<int> caught_signal;

void on_second_signal(int signal) {
    restore_terminal();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void on_signal(int signal) {
    caught_signal = signal;
    if (emu::Machine* machine = guarded_machine) {
        machine->request_stop();  // Two stores; safe here.
    }
    std::signal(signal, on_second_signal);
}

}  // namespace

InterruptGuard::InterruptGuard(emu::Machine& machine) {
    caught_signal = 0;
    guarded_machine = &machine;
    for (const int signal : kSignals) {
        struct sigaction action{};
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        ::sigaction(signal, &action, nullptr);
    }
}

InterruptGuard::~InterruptGuard() {
    for (const int signal : kSignals) {
        std::signal(signal, SIG_DFL);
    }
    guarded_machine = nullptr;
}

int InterruptGuard::signal() const { return caught_signal; }

}  // namespace trapgate::cli
