// SPDX-License-Identifier: GPL-2.0-only
// Registers, memory, breakpoints, threads.
#include "emu/gdb/stub.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "emu/gdb/packet.hpp"
#include "emu/gdb/registers.hpp"

namespace trapgate::emu::gdb {
namespace {

constexpr int kFault = 14;  // EFAULT

}  // namespace

struct Stub::Command {
    std::string_view name;
    void (Stub::*handler)(Arguments& arguments);
};

// A name of several letters must be followed by the end or by a separator.
std::span<const Stub::Command> Stub::commands() {
    static constexpr std::array kCommands{
        Command{"?", &Stub::report_stop},
        Command{"g", &Stub::read_all},
        Command{"G", &Stub::write_all},
        Command{"p", &Stub::read_one},
        Command{"P", &Stub::write_one},
        Command{"m", &Stub::read_memory},
        Command{"x", &Stub::read_memory_binary},
        Command{"M", &Stub::write_memory},
        Command{"X", &Stub::write_memory_binary},
        Command{"Z", &Stub::insert},
        Command{"z", &Stub::remove},
        Command{"H", &Stub::select_thread},
        Command{"T", &Stub::thread_alive},
        Command{"c", &Stub::run_on},
        Command{"C", &Stub::run_on_signal},
        Command{"s", &Stub::step},
        Command{"S", &Stub::step_signal},
        Command{"bc", &Stub::run_back},
        Command{"bs", &Stub::step_back},
        Command{"D", &Stub::detach},
        Command{"k", &Stub::kill},
        Command{"vKill", &Stub::kill_politely},
        Command{"vCont", &Stub::resume_list},
        Command{"vCont?", &Stub::resume_question},
        Command{"qSupported", &Stub::supported},
        Command{"qXfer", &Stub::transfer},
        Command{"QStartNoAckMode", &Stub::start_no_ack},
        Command{"qC", &Stub::current_thread},
        Command{"qfThreadInfo", &Stub::first_threads},
        Command{"qsThreadInfo", &Stub::more_threads},
        Command{"qThreadExtraInfo", &Stub::thread_info},
        Command{"qAttached", &Stub::attached},
        Command{"qSymbol", &Stub::symbols},
        Command{"qRcmd", &Stub::monitor},
    };
    return kCommands;
}

Stub::Stub(Machine& machine, Services services)
    : machine_(machine), services_(std::move(services)), selected_(machine.current_cpu()) {
    static_cast<void>(stop_reply({}));
}

Stub::~Stub() {
    for (const auto& [kind, va] : points_) {
        machine_.remove_breakpoint(va);
    }
    for (const auto& [watchpoint, id] : watchpoints_) {
        machine_.remove_watchpoint(id);
    }
}

Answer Stub::handle(std::string_view packet) {
    answer_ = {};
    const auto means = [packet](const Command& command) {
        if (!packet.starts_with(command.name)) {
            return false;
        }
        const bool ends = packet.size() == command.name.size() ||
                          std::string_view(":;,").find(packet[command.name.size()]) !=
                              std::string_view::npos;
        return command.name.size() == 1 || ends;
    };
    // Letters that begin longer names too are no match for these: "bc" is not "b" with arguments.
    const auto named = std::ranges::find_if(commands(), means);
    if (named == commands().end()) {
        reply("");
        return std::exchange(answer_, {});
    }
    Arguments arguments(packet.substr(named->name.size()));
    (this->*named->handler)(arguments);
    return std::exchange(answer_, {});
}

void Stub::mistake(int number) { reply(fmt::format("E{:02x}", number)); }

bool Stub::understood(const Arguments& arguments) {
    if (!arguments.at_end()) {
        mistake();
        return false;
    }
    return true;
}

void Stub::changed() {
    if (services_.after_change) {
        services_.after_change();
    }
}

std::string Stub::stop_reply(const StopReport& report) {
    using Why = StopReport::Why;
    constexpr int kSigint = 2;
    constexpr int kSigtrap = 5;
    selected_ = machine_.current_cpu();
    const GuestVa rip = cpu().rip();
    std::string text = fmt::format(
        "T{:02x}thread:{:x};", report.why == Why::Interrupted ? kSigint : kSigtrap, selected_ + 1);
    if (report.why == Why::Breakpoint) {
        if (knows_software_ && points_.contains({PointKind::Software, rip})) {
            text += "swbreak:;";
        } else if (knows_hardware_ && points_.contains({PointKind::Hardware, rip})) {
            text += "hwbreak:;";
        }
    } else if (report.why == Why::Watchpoint) {
        constexpr std::array<std::string_view, 4> kWords{"", "rwatch", "watch", "awatch"};
        text += fmt::format("{}:{:x};", kWords.at(static_cast<std::size_t>(report.watch.kind)),
                            report.watch.address.value);
    } else if (report.why == Why::StartOfHistory) {
        text += "replaylog:begin;";
    }
    const RegisterValues values = read_registers(cpu());
    for (const std::size_t number : {kRbpNumber, kRspNumber, kRipNumber}) {
        text += fmt::format("{:02x}:{};", number, to_hex(register_bytes(values, number)));
    }
    last_stop_ = text;
    return text;
}

unsigned Stub::breakpoints_at(GuestVa va) const {
    return static_cast<unsigned>(points_.count({PointKind::Software, va}) +
                                 points_.count({PointKind::Hardware, va}));
}

void Stub::report_stop(Arguments& arguments) {
    if (understood(arguments)) {
        reply(last_stop_);
    }
}

void Stub::read_all(Arguments& arguments) {
    if (understood(arguments)) {
        reply(to_hex(all_register_bytes(read_registers(cpu()))));
    }
}

void Stub::write_all(Arguments& arguments) {
    const auto bytes = from_hex(arguments.rest());
    if (bytes && write_all_registers(cpu(), *bytes)) {
        changed();
        okay();
    } else {
        mistake();
    }
}

void Stub::read_one(Arguments& arguments) {
    const std::uint64_t number = arguments.number();
    if (!understood(arguments)) {
        return;
    }
    if (number >= kRegisterCount) {
        mistake();
        return;
    }
    reply(to_hex(register_bytes(read_registers(cpu()), number)));
}

void Stub::write_one(Arguments& arguments) {
    const std::uint64_t number = arguments.number();
    arguments.expect('=');
    const auto bytes = from_hex(arguments.rest());
    if (arguments.good() && bytes && write_register(cpu(), number, *bytes)) {
        changed();
        okay();
    } else {
        mistake();
    }
}

// What can be read of it, up to the first page that is not there.
std::vector<std::byte> Stub::memory_at(GuestVa va, std::uint64_t bytes) const {
    std::vector<std::byte> memory(std::min<std::uint64_t>(bytes, kMaxPayload / 2));
    std::size_t done = 0;
    while (done < memory.size()) {
        const GuestVa at = va + done;
        const std::size_t step = std::min<std::size_t>(memory.size() - done,
                                                       kPageBytes - at.value % kPageBytes);
        if (!machine_.peek(selected_, at, std::span(memory).subspan(done, step))) {
            break;
        }
        done += step;
    }
    memory.resize(done);
    return memory;
}

void Stub::read_memory(Arguments& arguments) {
    const GuestVa va{arguments.number()};
    arguments.expect(',');
    const std::uint64_t wanted = arguments.number();
    if (!understood(arguments)) {
        return;
    }
    const std::vector<std::byte> memory = memory_at(va, wanted);
    if (memory.empty() && wanted != 0) {
        mistake(kFault);
    } else {
        reply(to_hex(memory));
    }
}

void Stub::read_memory_binary(Arguments& arguments) {
    const GuestVa va{arguments.number()};
    arguments.expect(',');
    const std::uint64_t wanted = arguments.number();
    if (!understood(arguments)) {
        return;
    }
    const std::vector<std::byte> memory = memory_at(va, wanted);
    if (memory.empty() && wanted != 0) {
        mistake(kFault);
        return;
    }
    std::string text = "b";
    for (const std::byte byte : memory) {
        text += std::to_integer<char>(byte);
    }
    reply(std::move(text));
}

void Stub::write_bytes(GuestVa va, std::span<const std::byte> bytes) {
    if (bytes.empty() || machine_.poke(selected_, va, bytes)) {
        changed();
        okay();
    } else {
        mistake(kFault);
    }
}

void Stub::write_memory(Arguments& arguments) {
    const GuestVa va{arguments.number()};
    arguments.expect(',');
    const std::uint64_t count = arguments.number();
    arguments.expect(':');
    const auto bytes = from_hex(arguments.rest());
    if (!arguments.good() || !bytes || bytes->size() != count) {
        mistake();
        return;
    }
    write_bytes(va, *bytes);
}

void Stub::write_memory_binary(Arguments& arguments) {
    const GuestVa va{arguments.number()};
    arguments.expect(',');
    const std::uint64_t count = arguments.number();
    arguments.expect(':');
    if (!arguments.good() || arguments.rest().size() != count) {
        mistake();
        return;
    }
    write_bytes(va, std::as_bytes(std::span(arguments.rest())));
}

namespace {

struct Point {
    std::uint64_t type = 0;
    GuestVa va;
    std::uint64_t bytes = 0;
};

Point read_point(Arguments& arguments) {
    Point point;
    point.type = arguments.number();
    arguments.expect(',');
    point.va = {arguments.number()};
    arguments.expect(',');
    point.bytes = arguments.number();
    return point;
}

// Types of Z packets (gdb manual, "Packets").
constexpr std::uint64_t kHardwareType = 1, kWriteType = 2, kReadType = 3, kAccessType = 4;

std::optional<Watchpoint> watchpoint_of(const Point& point) {
    switch (point.type) {
        case kWriteType: return Watchpoint{point.va, point.bytes, WatchKind::Write};
        case kReadType: return Watchpoint{point.va, point.bytes, WatchKind::Read};
        case kAccessType: return Watchpoint{point.va, point.bytes, WatchKind::Access};
        default: return std::nullopt;
    }
}

}  // namespace

void Stub::insert(Arguments& arguments) {
    const Point point = read_point(arguments);
    if (!understood(arguments)) {
        return;
    }
    if (const std::optional<Watchpoint> watchpoint = watchpoint_of(point)) {
        if (!watchpoints_.contains(*watchpoint)) {
            const Result<WatchId> added = machine_.add_watchpoint(watchpoint->va, watchpoint->bytes,
                                                                  watchpoint->kind);
            if (!added) {
                mistake();
                return;
            }
            watchpoints_.emplace(*watchpoint, *added);
        }
        okay();
    } else if (point.type <= kHardwareType) {
        if (points_.emplace(static_cast<PointKind>(point.type), point.va).second) {
            machine_.add_breakpoint(point.va);
        }
        okay();
    } else {
        reply("");
    }
}

void Stub::remove(Arguments& arguments) {
    const Point point = read_point(arguments);
    if (!understood(arguments)) {
        return;
    }
    if (const std::optional<Watchpoint> watchpoint = watchpoint_of(point)) {
        if (const auto found = watchpoints_.find(*watchpoint); found != watchpoints_.end()) {
            machine_.remove_watchpoint(found->second);
            watchpoints_.erase(found);
        }
        okay();
    } else if (point.type <= kHardwareType) {
        if (points_.erase({static_cast<PointKind>(point.type), point.va}) != 0) {
            machine_.remove_breakpoint(point.va);
        }
        okay();
    } else {
        reply("");
    }
}

std::optional<unsigned> Stub::cpu_of(std::string_view thread) const {
    if (thread == "0" || thread == "-1") {
        return selected_;
    }
    Arguments arguments(thread);
    const std::uint64_t number = arguments.number();
    if (!arguments.at_end() || number == 0 || number > machine_.cpu_count()) {
        return std::nullopt;
    }
    return static_cast<unsigned>(number - 1);
}

void Stub::select_thread(Arguments& arguments) {
    const bool for_memory = arguments.accept('g');
    const bool known = for_memory || arguments.accept('c');
    const std::optional<unsigned> cpu = cpu_of(arguments.rest());
    if (!known || !cpu) {
        mistake();
        return;
    }
    if (for_memory) {
        selected_ = *cpu;
    }
    okay();
}

void Stub::thread_alive(Arguments& arguments) {
    if (cpu_of(arguments.rest())) {
        okay();
    } else {
        mistake();
    }
}

}  // namespace trapgate::emu::gdb
