// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// Where the linker put things (kernel.lds).
extern char _text[], _stext[], _etext[];
extern char __entry_text_start[], __entry_text_end[];
extern char __kprobes_text_start[], __kprobes_text_end[];
extern char __start_rodata[], __end_rodata[];
extern char __per_cpu_load[], __per_cpu_start[], __per_cpu_end[];
extern char _sdata[], _end[];
