// SPDX-License-Identifier: GPL-2.0-only
// One function for each helper; names and behaviour are Linux's (kernel/bpf/helpers.c,
// kernel/trace/bpf_trace.c, mm/maccess.c, kernel/bpf/ringbuf.c of 6.12). find_helper_body has the
// table.
#pragma once

#include <cstdint>

#include "bpf/runtime/helper_call.hpp"

namespace trapgate::bpf::helpers {

std::uint64_t map_lookup_elem(HelperCall& call);
std::uint64_t map_update_elem(HelperCall& call);
std::uint64_t map_delete_elem(HelperCall& call);

std::uint64_t probe_read(HelperCall& call);
std::uint64_t probe_read_str(HelperCall& call);
std::uint64_t probe_read_kernel(HelperCall& call);
std::uint64_t probe_read_kernel_str(HelperCall& call);

std::uint64_t ktime_get_ns(HelperCall& call);
std::uint64_t get_prandom_u32(HelperCall& call);
std::uint64_t get_smp_processor_id(HelperCall& call);
std::uint64_t get_current_pid_tgid(HelperCall& call);
std::uint64_t get_current_comm(HelperCall& call);

std::uint64_t trace_printk(HelperCall& call);

std::uint64_t ringbuf_output(HelperCall& call);
std::uint64_t ringbuf_reserve(HelperCall& call);
std::uint64_t ringbuf_submit(HelperCall& call);
std::uint64_t ringbuf_discard(HelperCall& call);
std::uint64_t ringbuf_query(HelperCall& call);

}  // namespace trapgate::bpf::helpers
