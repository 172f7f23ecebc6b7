// SPDX-License-Identifier: GPL-2.0-only
// Reads a member that the guest's struct open_how does not have.
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct open_how {
    __u64 no_such_member;
} __attribute__((preserve_access_index));

SEC("kprobe/do_sys_openat2")
int read_missing(void* ctx) {
    const struct open_how* how = ctx;
    return BPF_CORE_READ(how, no_such_member) != 0;
}

char LICENSE[] SEC("license") = "GPL";
