// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/helpers.hpp"

#include <linux/bpf.h>

namespace trapgate::bpf {

namespace {

#define TRAPGATE_HELPER_NAME(x) std::string_view("bpf_" #x)
constexpr std::string_view kNames[] = {__BPF_FUNC_MAPPER(TRAPGATE_HELPER_NAME)};
#undef TRAPGATE_HELPER_NAME
constexpr std::uint32_t kNameCount = sizeof(kNames) / sizeof(kNames[0]);

using A = ArgType;
using R = ReturnType;

constexpr HelperProto row(std::uint32_t id, R ret, std::array<A, 5> args,
                          HelperScope scope = HelperScope::Everywhere, bool gpl_only = false) {
    return {.name = kNames[id],
            .id = id,
            .ret = ret,
            .scope = scope,
            .gpl_only = gpl_only,
            .available = true,
            .args = args};
}

constexpr auto kTracing = HelperScope::Tracing;
constexpr bool kGpl = true;

// Sorted by id.
constexpr HelperProto kRows[] = {
    row(BPF_FUNC_map_lookup_elem, R::MapValueOrNull, {A::ConstMapPtr, A::MapKey}),
    row(BPF_FUNC_map_update_elem, R::Integer,
        {A::ConstMapPtr, A::MapKey, A::MapValue, A::Anything}),
    row(BPF_FUNC_map_delete_elem, R::Integer, {A::ConstMapPtr, A::MapKey}),
    row(BPF_FUNC_probe_read, R::Integer, {A::UninitMem, A::ConstSizeOrZero, A::Anything}, kTracing,
        kGpl),
    row(BPF_FUNC_ktime_get_ns, R::Integer, {}),
    row(BPF_FUNC_trace_printk, R::Integer, {A::Mem, A::ConstSize}, HelperScope::Everywhere, kGpl),
    row(BPF_FUNC_get_prandom_u32, R::Integer, {}),
    row(BPF_FUNC_get_smp_processor_id, R::Integer, {}),
    row(BPF_FUNC_get_current_pid_tgid, R::Integer, {}, kTracing),
    row(BPF_FUNC_get_current_comm, R::Integer, {A::UninitMem, A::ConstSize}, kTracing),
    row(BPF_FUNC_probe_read_str, R::Integer, {A::UninitMem, A::ConstSizeOrZero, A::Anything},
        kTracing, kGpl),
    row(BPF_FUNC_probe_read_kernel, R::Integer, {A::UninitMem, A::ConstSizeOrZero, A::Anything},
        kTracing, kGpl),
    row(BPF_FUNC_probe_read_kernel_str, R::Integer, {A::UninitMem, A::ConstSizeOrZero, A::Anything},
        kTracing, kGpl),
    row(BPF_FUNC_ktime_get_boot_ns, R::Integer, {}),
    row(BPF_FUNC_ringbuf_output, R::Integer,
        {A::ConstMapPtr, A::Mem, A::ConstSizeOrZero, A::Anything}),
    row(BPF_FUNC_ringbuf_reserve, R::RingRecordOrNull,
        {A::ConstMapPtr, A::ConstAllocSize, A::Anything}),
    row(BPF_FUNC_ringbuf_submit, R::Void, {A::RingRecord, A::Anything}),
    row(BPF_FUNC_ringbuf_discard, R::Void, {A::RingRecord, A::Anything}),
    row(BPF_FUNC_ringbuf_query, R::Integer, {A::ConstMapPtr, A::Anything}),
};

bool is_tracing(std::uint32_t prog_type) {
    return prog_type == BPF_PROG_TYPE_KPROBE || prog_type == BPF_PROG_TYPE_TRACEPOINT ||
           prog_type == BPF_PROG_TYPE_PERF_EVENT || prog_type == BPF_PROG_TYPE_RAW_TRACEPOINT ||
           prog_type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE || prog_type == BPF_PROG_TYPE_TRACING;
}

}  // namespace

std::uint32_t helper_count() { return kNameCount; }

std::string_view helper_name(std::uint32_t id) {
    return id < kNameCount ? kNames[id] : std::string_view("unknown");
}

const HelperProto* find_helper(std::uint32_t id) {
    for (const HelperProto& proto : kRows) {
        if (proto.id == id) {
            return &proto;
        }
    }
    return nullptr;
}

const HelperProto* helper_for(std::uint32_t id, std::uint32_t prog_type) {
    const HelperProto* proto = find_helper(id);
    if (proto == nullptr || !proto->available) {
        return nullptr;
    }
    const bool allowed = proto->scope == HelperScope::Everywhere || is_tracing(prog_type);
    return allowed ? proto : nullptr;
}

}  // namespace trapgate::bpf
