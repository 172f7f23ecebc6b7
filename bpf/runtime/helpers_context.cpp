// SPDX-License-Identifier: GPL-2.0-only
// Where and when a program runs: time, CPU, task; and trace_printk, which shows all of them.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bpf/runtime/guest_strings.hpp"
#include "bpf/runtime/helper_bodies.hpp"
#include "bpf/runtime/printk_format.hpp"

namespace trapgate::bpf::helpers {
namespace {

PrintkSource printk_source(const emu::Machine& machine) {
    return {
        .string_at = [&machine](GuestVa va,
                                std::size_t limit) { return read_string(machine, va, limit); },
        .bytes_at = [&machine](GuestVa va, std::size_t bytes) -> std::optional<std::string> {
            std::string out(bytes, '\0');
            const bool read = machine.read(va, std::as_writable_bytes(std::span(out)));
            return read ? std::optional(out) : std::nullopt;
        },
        .symbol = [&machine](GuestVa va) { return machine.symbols().describe(va); },
    };
}

}  // namespace

std::uint64_t ktime_get_ns(HelperCall& call) { return call.machine.now_ns(); }

/// xorshift64* (Marsaglia 2003, Vigna 2014) from a fixed seed.
std::uint64_t get_prandom_u32(HelperCall& call) {
    std::uint64_t& state = call.state.prandom;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 0x2545'f491'4f6c'dd1dULL) >> 32;
}

std::uint64_t get_smp_processor_id(HelperCall&) { return 0; }

std::uint64_t get_current_pid_tgid(HelperCall& call) {
    const std::optional<CurrentTask> task = call.current();
    return task ? (std::uint64_t{task->tgid} << 32 | task->pid) : helper_error(EINVAL);
}

std::uint64_t get_current_comm(HelperCall& call) {
    std::vector<std::byte> out(call.args[1]);
    const std::optional<CurrentTask> task = call.current();
    if (task && !out.empty()) {
        std::memcpy(out.data(), task->comm.data(), std::min(task->comm.size(), out.size() - 1));
    }
    call.write(call.args[0], out);
    return task ? 0 : helper_error(EINVAL);
}

std::uint64_t trace_printk(HelperCall& call) {
    const std::vector<std::byte> format = call.read(call.args[0], call.args[1]);
    TraceLine line;
    const int length = format_printk({reinterpret_cast<const char*>(format.data()), format.size()},
                                     std::span(call.args).subspan<2>(), printk_source(call.machine),
                                     line.text);
    if (length < 0) {
        return helper_error(-length);
    }
    if (call.state.trace_sink) {
        line.ns = call.machine.now_ns();
        if (const std::optional<CurrentTask> task = call.current()) {
            line.pid = task->pid;
            line.comm = task->comm;
        }
        call.state.trace_sink(line);
    }
    return static_cast<std::uint64_t>(length);
}

}  // namespace trapgate::bpf::helpers
