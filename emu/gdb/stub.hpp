// SPDX-License-Identifier: GPL-2.0-only
// What gdb says and what it is answered (gdb manual, "Remote Protocol"), without sockets and
// without running anything: packets in, packets out, and what the guest shall do next.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "emu/gdb/hex.hpp"
#include "emu/machine.hpp"

namespace trapgate::emu::gdb {

/// How gdb lets the guest run.
struct Resume {
    enum class Kind : std::uint8_t { Continue, Step, ReverseContinue, ReverseStep };
    Kind kind = Kind::Continue;
    unsigned cpu = 0;  ///< That steps; the others run as the machine has it.
    /// Steps on while RIP is in [range_begin, range_end); an empty range is one step.
    std::uint64_t range_begin = 0, range_end = 0;
    bool operator==(const Resume&) const = default;
};

/// The answer to one packet.
struct Answer {
    enum class Next : std::uint8_t {
        Stay,    ///< The guest stays where it is.
        Run,     ///< As `resume` says; the reply is the stop that follows.
        Detach,  ///< The guest runs on without gdb.
        Kill,    ///< The guest shall end.
    };
    std::vector<std::string> packets;  ///< Payloads to send.
    Next next = Next::Stay;
    Resume resume;
};

/// Why the guest stands still, in gdb's terms.
struct StopReport {
    enum class Why : std::uint8_t {
        Attached,
        Interrupted,
        Step,
        Breakpoint,
        Watchpoint,
        StartOfHistory
    };
    Why why = Why::Attached;
    WatchHit watch{};  ///< For Watchpoint.
    bool operator==(const StopReport&) const = default;
};

/// One gdb's side of the conversation. Breakpoints that it sets are gone with it.
class Stub {
public:
    struct Services {
        /// `monitor` commands: the text to show.
        std::function<std::string(std::string_view line)> monitor;
        /// Called when gdb has changed a register or memory.
        std::function<void()> after_change;
        bool reverse = false;  ///< Whether the guest can run backwards.
    };

    Stub(Machine& machine, Services services);
    ~Stub();
    Stub(const Stub&) = delete;
    Stub& operator=(const Stub&) = delete;

    [[nodiscard]] Answer handle(std::string_view packet);

    /// The stop reply, which `?` repeats from then on. gdb looks at the CPU that ran last.
    [[nodiscard]] std::string stop_reply(const StopReport& report);

    [[nodiscard]] bool acknowledges() const { return acknowledges_; }
    /// How many of the machine's breakpoints at this address are gdb's.
    [[nodiscard]] unsigned breakpoints_at(GuestVa va) const;

private:
    struct Command;
    static std::span<const Command> commands();

    // stub.cpp
    void report_stop(Arguments& arguments);
    void read_all(Arguments& arguments);
    void write_all(Arguments& arguments);
    void read_one(Arguments& arguments);
    void write_one(Arguments& arguments);
    void read_memory(Arguments& arguments);
    void read_memory_binary(Arguments& arguments);
    void write_memory(Arguments& arguments);
    void write_memory_binary(Arguments& arguments);
    void insert(Arguments& arguments);
    void remove(Arguments& arguments);
    void select_thread(Arguments& arguments);
    void thread_alive(Arguments& arguments);

    // stub_queries.cpp
    void supported(Arguments& arguments);
    void transfer(Arguments& arguments);
    void start_no_ack(Arguments& arguments);
    void current_thread(Arguments& arguments);
    void first_threads(Arguments& arguments);
    void more_threads(Arguments& arguments);
    void thread_info(Arguments& arguments);
    void attached(Arguments& arguments);
    void symbols(Arguments& arguments);
    void monitor(Arguments& arguments);

    // stub_resume.cpp
    void resume_list(Arguments& arguments);
    void resume_question(Arguments& arguments);
    void run_on(Arguments& arguments);
    void run_on_signal(Arguments& arguments);
    void step(Arguments& arguments);
    void step_signal(Arguments& arguments);
    void run_back(Arguments& arguments);
    void step_back(Arguments& arguments);
    void detach(Arguments& arguments);
    void kill(Arguments& arguments);
    void kill_politely(Arguments& arguments);

    void reply(std::string payload) { answer_.packets.push_back(std::move(payload)); }
    void okay() { reply("OK"); }
    void mistake(int number = 1);
    /// False, and answered, when the arguments were not as they should be.
    [[nodiscard]] bool understood(const Arguments& arguments);
    void run(const Resume& resume);
    /// The CPU that a thread id names; nothing when there is none.
    [[nodiscard]] std::optional<unsigned> cpu_of(std::string_view thread) const;
    [[nodiscard]] Cpu& cpu() { return machine_.cpu(selected_); }
    [[nodiscard]] std::vector<std::byte> memory_at(GuestVa va, std::uint64_t bytes) const;
    void write_bytes(GuestVa va, std::span<const std::byte> bytes);
    void changed();

    Machine& machine_;
    Services services_;
    Answer answer_;
    unsigned selected_ = 0;  ///< CPU that g, m and so on are about.
    bool acknowledges_ = true;
    bool knows_software_ = false, knows_hardware_ = false;  ///< swbreak and hwbreak stop reasons
    std::string last_stop_;

    struct WatchOrder {
        bool operator()(const Watchpoint& a, const Watchpoint& b) const {
            return std::tie(a.va, a.bytes, a.kind) < std::tie(b.va, b.bytes, b.kind);
        }
    };
    enum class PointKind : std::uint8_t { Software, Hardware };
    std::set<std::pair<PointKind, GuestVa>> points_;
    std::map<Watchpoint, WatchId, WatchOrder> watchpoints_;
};

}  // namespace trapgate::emu::gdb
