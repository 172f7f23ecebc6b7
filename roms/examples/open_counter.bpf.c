// SPDX-License-Identifier: GPL-2.0-only
// Counts how often a file is opened, and reports each time: one array element and one ring buffer
// record per call.
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct open_event {
    __u64 time_ns;
    __u32 seq;  // 1 for the first call
    __s32 dfd;
    __u64 filename;
    __u64 how;
};
// Keeps the type in the object's BTF, so that records can be shown by name.
const struct open_event* unused_open_event __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 * 1024);
} events SEC(".maps");

// long do_sys_openat2(int dfd, const char* filename, struct open_how* how)
SEC("kprobe/do_sys_openat2")
int count_open(struct pt_regs* ctx) {
    __u32 key = 0;
    __u64* count = bpf_map_lookup_elem(&counts, &key);
    if (!count) {
        return 0;
    }
    *count += 1;

    struct open_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        return 0;
    }
    event->time_ns = bpf_ktime_get_ns();
    event->seq = *count;
    event->dfd = PT_REGS_PARM1(ctx);
    event->filename = PT_REGS_PARM2(ctx);
    event->how = PT_REGS_PARM3(ctx);
    bpf_ringbuf_submit(event, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
