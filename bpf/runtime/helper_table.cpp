// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>

#include <linux/bpf.h>

#include "bpf/runtime/helper_bodies.hpp"

namespace trapgate::bpf {
namespace {

struct Row {
    std::uint32_t id;
    HelperBody body;
};

constexpr Row kRows[] = {
    {BPF_FUNC_map_lookup_elem, helpers::map_lookup_elem},
    {BPF_FUNC_map_update_elem, helpers::map_update_elem},
    {BPF_FUNC_map_delete_elem, helpers::map_delete_elem},
    {BPF_FUNC_probe_read, helpers::probe_read},
    {BPF_FUNC_ktime_get_ns, helpers::ktime_get_ns},
    {BPF_FUNC_trace_printk, helpers::trace_printk},
    {BPF_FUNC_get_prandom_u32, helpers::get_prandom_u32},
    {BPF_FUNC_get_smp_processor_id, helpers::get_smp_processor_id},
    {BPF_FUNC_get_current_pid_tgid, helpers::get_current_pid_tgid},
    {BPF_FUNC_get_current_comm, helpers::get_current_comm},
    {BPF_FUNC_probe_read_str, helpers::probe_read_str},
    {BPF_FUNC_probe_read_kernel, helpers::probe_read_kernel},
    {BPF_FUNC_probe_read_kernel_str, helpers::probe_read_kernel_str},
    // Boot time also counts suspension, which this machine does not have.
    {BPF_FUNC_ktime_get_boot_ns, helpers::ktime_get_ns},
    {BPF_FUNC_ringbuf_output, helpers::ringbuf_output},
    {BPF_FUNC_ringbuf_reserve, helpers::ringbuf_reserve},
    {BPF_FUNC_ringbuf_submit, helpers::ringbuf_submit},
    {BPF_FUNC_ringbuf_discard, helpers::ringbuf_discard},
    {BPF_FUNC_ringbuf_query, helpers::ringbuf_query},
};

}  // namespace

HelperBody find_helper_body(std::uint32_t helper_id) {
    const auto* row = std::ranges::find(kRows, helper_id, &Row::id);
    return row == std::end(kRows) ? nullptr : row->body;
}

}  // namespace trapgate::bpf
