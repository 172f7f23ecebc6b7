// SPDX-License-Identifier: GPL-2.0-only
// What the verifier must refuse: a look-up's answer used without a check.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

SEC("kprobe/do_sys_openat2")
int use_unchecked(void* ctx) {
    __u32 key = bpf_get_prandom_u32();
    __u64* count = bpf_map_lookup_elem(&counts, &key);
    *count += 1;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
