// SPDX-License-Identifier: GPL-2.0-only
// What BpfObject's tests load: an array, a ring buffer, global data of each kind, and a read whose
// offset libbpf must take from the guest's BTF (the test's guest has struct open_how's members
// elsewhere).
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct open_how {
    __u64 flags;
    __u64 mode;
} __attribute__((preserve_access_index));

struct open_event {
    __u64 seq;
    __u64 mode;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, struct open_event);
} last SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u64 wanted = 3;
__u64 calls;
__u64 step = 1;

SEC("kprobe/do_sys_openat2")
int count_open(void* ctx) {
    const struct open_how* how = ctx;
    __u32 key = 0;
    struct open_event* event = bpf_map_lookup_elem(&last, &key);
    if (!event) {
        return 0;
    }
    calls += step;
    event->seq = calls;
    event->mode = BPF_CORE_READ(how, mode);
    if (calls != wanted) {
        bpf_ringbuf_output(&events, event, sizeof(*event), 0);
    }
    return 1;
}

char LICENSE[] SEC("license") = "GPL";
