// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/server.hpp"

#include <array>
#include <filesystem>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace trapgate::emu::gdb {
namespace {

// Signals as gdb numbers them (gdb: include/gdb/signals.def), for ends that are no exit.
constexpr unsigned kSigabrt = 6;
constexpr unsigned kSigkill = 9;
constexpr unsigned kSigsegv = 11;
constexpr unsigned kSigterm = 15;

constexpr int kLookMilliseconds = 100;  // A stop request while waiting is seen this soon.

std::optional<std::string> end_reply(const StopEvent& stop) {
    switch (stop.reason) {
        case StopReason::GuestExit: return fmt::format("W{:02x}", stop.status & 0xff);
        case StopReason::Shutdown: return "W00";
        case StopReason::Panic: return fmt::format("X{:02x}", kSigabrt);
        case StopReason::TripleFault: return fmt::format("X{:02x}", kSigsegv);
        case StopReason::Dead: return fmt::format("X{:02x}", kSigkill);
        default: return std::nullopt;
    }
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(const Options& options) {
    std::unique_ptr<Server> server(new Server(options));
    Result<UniqueFd> listener = listen_at(options.address);
    if (!listener) {
        return tl::unexpected(listener.error());
    }
    server->listener_ = std::move(*listener);
    Result<std::unique_ptr<SocketWatch>> watch = SocketWatch::create([target = server.get()] {
        if (Machine* machine = target->machine_) {
            machine->request_debugger();
        }
    });
    if (!watch) {
        return tl::unexpected(watch.error());
    }
    server->watch_ = std::move(*watch);
    return server;
}

Server::~Server() {
    if (watch_) {
        let_go();
    }
    if (address_.kind == Address::Kind::Unix && listener_) {
        std::error_code error;
        std::filesystem::remove(address_.path, error);
    }
}

void Server::let_go() {
    watch_->release();
    if (client_ && !stopped_) {
        client_->send_packet(fmt::format("X{:02x}", kSigterm));
    }
    drop_client();
    machine_ = nullptr;
}

StopEvent Server::run(Machine& machine, const RunLimits& limits) {
    machine_ = &machine;
    if (serving_) {
        return run_machine(limits);
    }
    if (std::exchange(owner_had_turn_, false) && timeline_) {
        timeline_->forget_future();  // It may have armed probes.
    }
    while (!killed_) {
        take_client();
        serve();
        if (stopped_) {
            wait_for_orders();
        }
        if (machine.stop_requested() && stopped_) {
            RunLimits none = limits;
            none.max_instructions = 0;
            return machine.run(none);
        }
        if (!killed_ && !stopped_) {
            if (const std::optional<StopEvent> stop = run_once(limits)) {
                owner_had_turn_ = stop->reason == StopReason::Breakpoint;
                return *stop;
            }
        }
    }
    return {StopReason::Requested, 0, machine.cpu().rip()};
}

void Server::wait_for_orders() {
    if (before_wait_) {
        before_wait_();
    }
    while (stopped_ && !killed_ && !machine_.load()->stop_requested()) {
        std::array<pollfd, 2> sockets{{{listener_.get(), POLLIN, 0}, {-1, POLLIN, 0}}};
        if (client_) {
            sockets[1].fd = client_->fd();
        }
        ::poll(sockets.data(), sockets.size(), kLookMilliseconds);
        take_client();
        serve();
    }
}

void Server::take_client() {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket || client_) {
        return;  // Nobody, or one too many: it sees its connection closed.
    }
    watch_->release();
    client_.emplace(std::move(socket));
    Stub::Services services;
    services.monitor = [this](std::string_view line) {
        return monitor_ ? monitor_(line) : std::string("there are no monitor commands here");
    };
    services.after_change = [this] { timeline_->forget_future(); };
    services.reverse = true;
    timeline_ = std::make_unique<Timeline>(*machine_);
    stub_ = std::make_unique<Stub>(*machine_, std::move(services));
    stopped_ = true;
    resume_ = {};
}

void Server::drop_client() {
    watch_->release();
    stub_.reset();
    timeline_.reset();
    client_.reset();
    stopped_ = false;
    resume_ = {};
}

void Server::serve() {
    if (!client_) {
        return;
    }
    client_->receive();
    while (client_ && client_->open()) {
        const std::optional<Incoming> incoming = client_->next(stub_->acknowledges());
        if (!incoming) {
            break;
        }
        if (incoming->kind == Incoming::Kind::Interrupt) {
            if (!stopped_) {
                report({StopReport::Why::Interrupted, {}});
            }
            continue;
        }
        serving_ = true;
        const Answer answer = stub_->handle(incoming->payload);
        serving_ = false;
        for (const std::string& packet : answer.packets) {
            client_->send_packet(packet);
        }
        carry_out(answer);
    }
    if (client_ && !client_->open()) {
        drop_client();
    }
}

void Server::carry_out(const Answer& answer) {
    switch (answer.next) {
        case Answer::Next::Stay: break;
        case Answer::Next::Run:
            stopped_ = false;
            resume_ = answer.resume;
            step_begin_ = machine_.load()->cpu(resume_.cpu).instructions();
            break;
        case Answer::Next::Detach: drop_client(); break;
        case Answer::Next::Kill:
            drop_client();
            killed_ = true;
            break;
    }
}

void Server::report(const StopReport& why) {
    stopped_ = true;
    resume_ = {};
    client_->send_packet(stub_->stop_reply(why));
}

void Server::report_end(const StopEvent& stop) {
    if (const std::optional<std::string> reply = end_reply(stop); reply && client_) {
        client_->send_packet(*reply);
        drop_client();
    }
}

bool Server::stepping() const { return resume_.kind == Resume::Kind::Step; }

bool Server::step_is_over() {
    const Cpu& cpu = machine_.load()->cpu(resume_.cpu);
    const std::uint64_t rip = cpu.rip().value;
    // What a probe runs in the window belongs to the instruction that it stands at.
    const bool more = ProbeWindow::text_contains(cpu.rip()) ||
                      (rip >= resume_.range_begin && rip < resume_.range_end);
    if (more) {
        step_begin_ = cpu.instructions();
    }
    return !more;
}

StopEvent Server::run_machine(const RunLimits& limits) {
    return timeline_ ? timeline_->run(limits) : machine_.load()->run(limits);
}

void Server::go_back() {
    Machine& machine = *machine_;
    watch_->release();
    if (!machine.stop_requested()) {
        RunLimits none;
        none.max_instructions = 0;
        machine.run(none);  // Takes back what the watch asked for when gdb's order came.
    }
    watch_->arm({listener_.get(), client_->fd()});
    if (resume_.kind == Resume::Kind::ReverseStep) {
        BackEnd end = timeline_->step_back();
        while (end == BackEnd::Reached && ProbeWindow::text_contains(machine.cpu().rip())) {
            end = timeline_->step_back();
        }
        report({end == BackEnd::Reached ? StopReport::Why::Step : StopReport::Why::StartOfHistory,
                {}});
        return;
    }
    StopEvent hit;  // In the end, the last one.
    const auto is_hit = [&](const StopEvent& stop) {
        const bool counts = stop.reason == StopReason::Watchpoint ||
                            (stop.reason == StopReason::Breakpoint &&
                             stub_->breakpoints_at(stop.rip) != 0);
        if (counts) {
            hit = stop;
        }
        return counts;
    };
    switch (timeline_->run_back(is_hit)) {
        case BackEnd::Hit:
            report(hit.reason == StopReason::Watchpoint
                       ? StopReport{StopReport::Why::Watchpoint, hit.watch}
                       : StopReport{StopReport::Why::Breakpoint, {}});
            break;
        case BackEnd::Interrupted: report({StopReport::Why::Interrupted, {}}); break;
        default: report({StopReport::Why::StartOfHistory, {}}); break;
    }
}

std::optional<StopEvent> Server::run_once(const RunLimits& limits) {
    Machine& machine = *machine_;
    if (resume_.kind == Resume::Kind::ReverseStep ||
        resume_.kind == Resume::Kind::ReverseContinue) {
        go_back();
        return std::nullopt;
    }
    RunLimits now = limits;
    if (stepping()) {
        now.max_instructions = std::min(now.max_instructions, machine.counters().instructions + 1);
    }
    watch_->arm(client_ ? std::vector{listener_.get(), client_->fd()}
                        : std::vector{listener_.get()});
    const StopEvent stop = run_machine(now);
    const bool stepped = stepping() && machine.cpu(resume_.cpu).instructions() > step_begin_;
    switch (stop.reason) {
        case StopReason::Debugger: return std::nullopt;
        case StopReason::Breakpoint:
            if (stub_ && (stepped || stub_->breakpoints_at(stop.rip) != 0)) {
                report({stepped ? StopReport::Why::Step : StopReport::Why::Breakpoint, {}});
            }
            return stub_ && stub_->breakpoints_at(stop.rip) == machine.breakpoints_at(stop.rip)
                       ? std::nullopt
                       : std::optional(stop);
        case StopReason::Watchpoint:
            if (!stub_) {
                return stop;
            }
            report({StopReport::Why::Watchpoint, stop.watch});
            return std::nullopt;
        case StopReason::InsnLimit:
            if (stepped && step_is_over()) {
                report({StopReport::Why::Step, {}});
                return std::nullopt;
            }
            return now.max_instructions < limits.max_instructions ? std::nullopt
                                                                  : std::optional(stop);
        default: report_end(stop); return stop;
    }
}

}  // namespace trapgate::emu::gdb
