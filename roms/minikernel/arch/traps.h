// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "arch/ptrace.h"

enum {
    X86_TRAP_DE,
    X86_TRAP_DB,
    X86_TRAP_NMI,
    X86_TRAP_BP,
    X86_TRAP_OF,
    X86_TRAP_BR,
    X86_TRAP_UD,
    X86_TRAP_NM,
    X86_TRAP_DF,
    X86_TRAP_OLD_MF,
    X86_TRAP_TS,
    X86_TRAP_NP,
    X86_TRAP_SS,
    X86_TRAP_GP,
    X86_TRAP_PF,
    X86_TRAP_SPURIOUS,
    X86_TRAP_MF,
    X86_TRAP_AC,
    X86_TRAP_MC,
    X86_TRAP_XF,
    X86_TRAP_VE,
    X86_TRAP_CP,
};

// arch/entry.S
void asm_exc_divide_error(void);
void asm_exc_debug(void);
void asm_exc_nmi(void);
void asm_exc_int3(void);
void asm_exc_overflow(void);
void asm_exc_bounds(void);
void asm_exc_invalid_op(void);
void asm_exc_device_not_available(void);
void asm_exc_double_fault(void);
void asm_exc_coproc_segment_overrun(void);
void asm_exc_invalid_tss(void);
void asm_exc_segment_not_present(void);
void asm_exc_stack_segment(void);
void asm_exc_general_protection(void);
void asm_exc_page_fault(void);
void asm_exc_coprocessor_error(void);
void asm_exc_alignment_check(void);
void asm_exc_machine_check(void);
void asm_exc_simd_coprocessor_error(void);
void asm_exc_virtualization_exception(void);
void asm_exc_control_protection(void);
void asm_sysvec_reschedule_ipi(void);
void asm_sysvec_call_function(void);
void asm_sysvec_apic_timer_interrupt(void);
void asm_sysvec_spurious_apic_interrupt(void);

/// The last words about a trap that nobody could handle: text, registers, backtrace, then panic.
void die(const char* text, struct pt_regs* regs, unsigned long error_code)
    __attribute__((noreturn));

/// Prints registers, and a backtrace from where they were taken.
void show_regs(const struct pt_regs* regs);
