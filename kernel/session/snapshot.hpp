// SPDX-License-Identifier: GPL-2.0-only
// What a front end shows of a live machine: plain values, copied at one instant, never changed
// afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cpu/registers.hpp"
#include "emu/machine.hpp"
#include "kernel/events/miss_reason.hpp"

namespace trapgate::kernel {

struct ProbeView {
    std::string event;  ///< As defined: "kprobes/open", or the program's name.
    std::string where;  ///< "do_sys_openat2+0x0"
    GuestVa address;
    std::string program;  ///< BPF program that runs there; empty for a bare probe.
    std::uint64_t hits = 0;
    std::uint64_t missed = 0;
    // The initialiser lets a list leave the member out without a warning of GCC.
    /// Why, in all; empty when there are none.
    std::vector<MissReason> misses{};
    std::uint64_t filtered = 0;  ///< Hits that the event's filter kept back.
};

struct MapElement {
    std::vector<std::byte> key;
    std::vector<std::byte> value;
    std::string key_text;    ///< By BTF, as bpftool prints it in one line: "0".
    std::string value_text;  ///< "{ .hits = 7, .bytes = 4096, }"; hex bytes without BTF.
};

struct MapView {
    std::uint32_t id = 0;
    std::string name;
    std::string type;  ///< bpftool's word: "array", "ringbuf".
    std::uint32_t key_bytes = 0, value_bytes = 0, max_entries = 0;
    std::vector<MapElement> elements;  ///< At most kMaxElements, in key order; empty for ring
                                       ///< buffers.
    std::uint64_t element_count = 0;   ///< Of the map, shown or not.
    static constexpr std::size_t kMaxElements = 1024;
};

struct RingRecord {
    std::uint64_t number = 0;  ///< Counted from 0 over the ring's life.
    std::vector<std::byte> bytes;
    std::string text;  ///< By BTF where the program's source tells the type; else hex bytes.
};

struct RingView {
    std::uint32_t id = 0;
    std::string name;
    std::uint64_t bytes = 0;                   ///< Size of the data area.
    std::uint64_t producer = 0, consumer = 0;  ///< Positions in bytes, as mmap(2) shows them.
    std::uint64_t records = 0;                 ///< Delivered to this session so far.
    std::uint64_t dropped = 0;                 ///< Reservations that found no room.
    std::vector<RingRecord> last;  ///< The newest ones, oldest first, at most kMaxRecords.
    static constexpr std::size_t kMaxRecords = 256;
};

/// Everything at one instant.
struct SessionSnapshot {
    std::string model;  ///< Timing model that the cycles are of.
    emu::Counters counters;
    cpu::RegisterFile registers;
    std::string location;  ///< RIP as "symbol+0x1/0x20".
    bool running = false;
    bool ended = false;   ///< `stop` says how; nothing more will run.
    emu::StopEvent stop;  ///< Why the last run stopped; of no meaning before the first.
    std::vector<ProbeView> probes;
    std::vector<MapView> maps;
    std::vector<RingView> rings;
    std::string console;             ///< The last 64 KiB of what the guest wrote.
    std::vector<std::string> trace;  ///< The last 1,000 lines of bpf_trace_printk and probe events.
};

using SnapshotPtr = std::shared_ptr<const SessionSnapshot>;

}  // namespace trapgate::kernel
