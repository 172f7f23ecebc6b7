// SPDX-License-Identifier: GPL-2.0-only
// Reports the name of each file that is opened. The minikernel's tasks pass names in kernel memory;
// for a kernel with user programs the read would be bpf_probe_read_user_str.
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define NAME_BYTES 32

struct name_event {
    __u64 time_ns;
    __s64 length;  // with the NUL, or a negative errno for a bad address
    char name[NAME_BYTES];
};
// Keeps the type in the object's BTF, so that records can be shown by name.
const struct name_event* unused_name_event __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 * 1024);
} names SEC(".maps");

SEC("kprobe/do_sys_openat2")
int report_name(struct pt_regs* ctx) {
    struct name_event* event = bpf_ringbuf_reserve(&names, sizeof(*event), 0);
    if (!event) {
        return 0;
    }
    event->time_ns = bpf_ktime_get_ns();
    event->length = bpf_probe_read_kernel_str(event->name, sizeof(event->name),
                                              (void*)PT_REGS_PARM2(ctx));
    bpf_ringbuf_submit(event, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
