// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <linux/perf_event.h>

// No code: the types of the BPF interface, so that they are in the debug information, hence in BTF
// and vmlinux.h, as they are in Linux's. A BPF program then needs no header but that. Compiled with
// all unused types kept.
