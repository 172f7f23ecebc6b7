// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

__attribute__((visibility("hidden"))) FILE* trapgate_libbpf_stderr;

__attribute__((constructor)) static void set_stderr(void) { trapgate_libbpf_stderr = stderr; }
