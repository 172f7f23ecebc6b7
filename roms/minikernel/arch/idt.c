// SPDX-License-Identifier: GPL-2.0-only
#include "arch/apic.h"
#include "arch/desc.h"
#include "arch/irq.h"
#include "arch/traps.h"

struct gate_struct {
    u16 offset_low, segment;
    u8 ist, type;
    u16 offset_middle;
    u32 offset_high, reserved;
};

#define GATE_INTERRUPT 0x8e  // present, DPL 0; clears IF
#define GATE_DPL3 0x60

static struct gate_struct idt_table[256] __aligned(4096);

static void set_gate(int vector, void (*entry)(void), u8 ist, u8 dpl) {
    u64 address = (u64)entry;
    idt_table[vector] = (struct gate_struct){
        .offset_low = (u16)address,
        .segment = __KERNEL_CS,
        .ist = ist,
        .type = GATE_INTERRUPT | dpl,
        .offset_middle = (u16)(address >> 16),
        .offset_high = (u32)(address >> 32),
    };
}

void idt_setup_traps(void) {
    set_gate(X86_TRAP_DE, asm_exc_divide_error, 0, 0);
    set_gate(X86_TRAP_DB, asm_exc_debug, IST_INDEX_DB, 0);
    set_gate(X86_TRAP_NMI, asm_exc_nmi, IST_INDEX_NMI, 0);
    set_gate(X86_TRAP_BP, asm_exc_int3, 0, GATE_DPL3);
    set_gate(X86_TRAP_OF, asm_exc_overflow, 0, GATE_DPL3);
    set_gate(X86_TRAP_BR, asm_exc_bounds, 0, 0);
    set_gate(X86_TRAP_UD, asm_exc_invalid_op, 0, 0);
    set_gate(X86_TRAP_NM, asm_exc_device_not_available, 0, 0);
    set_gate(X86_TRAP_DF, asm_exc_double_fault, IST_INDEX_DF, 0);
    set_gate(X86_TRAP_OLD_MF, asm_exc_coproc_segment_overrun, 0, 0);
    set_gate(X86_TRAP_TS, asm_exc_invalid_tss, 0, 0);
    set_gate(X86_TRAP_NP, asm_exc_segment_not_present, 0, 0);
    set_gate(X86_TRAP_SS, asm_exc_stack_segment, 0, 0);
    set_gate(X86_TRAP_GP, asm_exc_general_protection, 0, 0);
    set_gate(X86_TRAP_PF, asm_exc_page_fault, 0, 0);
    set_gate(X86_TRAP_MF, asm_exc_coprocessor_error, 0, 0);
    set_gate(X86_TRAP_AC, asm_exc_alignment_check, 0, 0);
    set_gate(X86_TRAP_MC, asm_exc_machine_check, IST_INDEX_MCE, 0);
    set_gate(X86_TRAP_XF, asm_exc_simd_coprocessor_error, 0, 0);
    set_gate(X86_TRAP_VE, asm_exc_virtualization_exception, 0, 0);
    set_gate(X86_TRAP_CP, asm_exc_control_protection, 0, 0);
    for (int irq = 0; irq < NR_IRQS; irq++) {
        set_gate(FIRST_EXTERNAL_VECTOR + irq,
                 (void (*)(void))(irq_entries_start + irq * IRQ_ENTRY_BYTES), 0, 0);
    }
    set_gate(RESCHEDULE_VECTOR, asm_sysvec_reschedule_ipi, 0, 0);
    set_gate(CALL_FUNCTION_VECTOR, asm_sysvec_call_function, 0, 0);
    set_gate(LOCAL_TIMER_VECTOR, asm_sysvec_apic_timer_interrupt, 0, 0);
    set_gate(SPURIOUS_APIC_VECTOR, asm_sysvec_spurious_apic_interrupt, 0, 0);
    load_current_idt();
}

void load_current_idt(void) { load_idt((u64)idt_table, sizeof(idt_table) - 1); }
