// SPDX-License-Identifier: GPL-2.0-only
// A good program for a function that does not exist, by a spelling mistake.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("kprobe/do_sys_opanat2")
int never_attached(void* ctx) { return 0; }

char LICENSE[] SEC("license") = "GPL";
