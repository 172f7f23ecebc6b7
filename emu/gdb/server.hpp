// SPDX-License-Identifier: GPL-2.0-only
// A gdb server that runs a machine. Its owner calls run() where it would call Machine::run, on the
// machine's own thread; while gdb has the guest stopped, run() waits for gdb's orders.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "emu/gdb/address.hpp"
#include "emu/gdb/connection.hpp"
#include "emu/gdb/socket_watch.hpp"
#include "emu/gdb/stub.hpp"
#include "emu/machine_runner.hpp"
#include "emu/timeline/timeline.hpp"

namespace trapgate::emu::gdb {

/// One gdb at a time; others are turned away. A gdb that comes stops the guest; one that leaves, or
/// whose connection breaks, lets it run on without its breakpoints. Without one the guest runs at
/// full speed: a thread sleeps on the sockets. From when gdb came on it can go back in time.
class Server final : public MachineRunner {
public:
    struct Options {
        Address address;
        bool wait_for_gdb = false;  ///< The guest's first instruction waits for gdb's "continue".
    };
    static Result<std::unique_ptr<Server>> create(const Options& options);
    ~Server() override;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// What gdb's "target remote" takes.
    [[nodiscard]] std::string remote() const { return remote_words(address_, listener_.get()); }

    /// Answers gdb's `monitor` commands. It may call run(), which then runs the machine plainly.
    void set_monitor(std::function<std::string(std::string_view line)> monitor) {
        monitor_ = std::move(monitor);
    }
    /// Called before run() waits: the place to flush a console.
    void set_before_wait(std::function<void()> before_wait) {
        before_wait_ = std::move(before_wait);
    }

    /// As Machine::run, with gdb's stops in between. A request_stop() comes through also while gdb
    /// has the guest stopped. A stop at a breakpoint that is not gdb's alone comes through, too;
    /// when gdb heard of it, the next run() waits for its orders.
    StopEvent run(Machine& machine, const RunLimits& limits) override;
    /// gdb hears that the guest has been ended.
    void let_go() override;

    /// gdb wants the guest to end: run() says Requested from now on.
    [[nodiscard]] bool killed() const { return killed_; }

private:
    explicit Server(const Options& options)
        : address_(options.address), stopped_(options.wait_for_gdb) {}

    void take_client();
    void drop_client();
    /// Answers what has arrived.
    void serve();
    void carry_out(const Answer& answer);
    void wait_for_orders();
    void report(const StopReport& why);
    void report_end(const StopEvent& stop);
    /// Lets the guest run until the server has something to do (nothing), or run() shall return.
    std::optional<StopEvent> run_once(const RunLimits& limits);
    StopEvent run_machine(const RunLimits& limits);
    void go_back();
    [[nodiscard]] bool stepping() const;
    /// After the CPU that steps has retired an instruction: whether that was all.
    [[nodiscard]] bool step_is_over();

    Address address_;
    UniqueFd listener_;
    std::unique_ptr<SocketWatch> watch_;
    std::atomic<Machine*> machine_{nullptr};

    std::optional<Connection> client_;
    std::unique_ptr<Stub> stub_;
    std::unique_ptr<Timeline> timeline_;  ///< From when gdb came.
    bool stopped_;                        ///< By gdb; run() waits.
    bool killed_ = false;
    bool serving_ = false;         ///< Inside a packet's handler.
    bool owner_had_turn_ = false;  ///< run() returned where the owner may change the machine.
    Resume resume_;
    std::uint64_t step_begin_ = 0;  ///< Instructions of the CPU that steps.

    std::function<std::string(std::string_view)> monitor_;
    std::function<void()> before_wait_;
};

}  // namespace trapgate::emu::gdb
