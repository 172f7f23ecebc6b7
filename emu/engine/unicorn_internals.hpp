// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Functions of libunicorn 2.1.4 that its public headers do not declare. The shared library exports
/// them with the suffix of the guest architecture; calls inside the library go through its PLT, so
/// a definition of the same name in a library loaded before it (ours: emu/engine/interpose.cpp)
/// takes their place. Signatures as in QEMU 5.0, from which Unicorn derives. Only the engine may
/// include this file; self_check.cpp proves each use at start.

#include <cstdint>

namespace trapgate::emu {

/// MemTxAttrs: passed by value in a register, never looked into.
struct MemoryAttributes {
    std::uint32_t bits;
};

}  // namespace trapgate::emu

extern "C" {

/// Leaves translated code for the main loop, which looks up the next block by env->eip. Only valid
/// where all guest state is in memory: at the start of a block, or after cpu_restore_state.
[[noreturn]] void cpu_loop_exit_noexc_x86_64(void* cpu_state);

/// Puts RIP and the flags' state of the instruction that called a helper into env. `host_pc` is the
/// helper's return address; false when it does not lie in translated code.
bool cpu_restore_state_x86_64(void* cpu_state, std::uintptr_t host_pc, bool will_exit);

/// Raises an exception at the instruction that called a helper.
[[noreturn]] void raise_exception_err_ra_x86_64(void* env, int vector, int error_code,
                                                std::uintptr_t host_pc);

/// Delivers cpu->exception_index through the IDT as hardware does; faults on the way longjmp to the
/// main loop and come back as exceptions of their own.
void x86_cpu_do_interrupt_x86_64(void* cpu_state);

/// Delivers an external interrupt or NMI. Same remark.
void do_interrupt_x86_hardirq_x86_64(void* env, int vector, int is_hardware);

/// Drops the translations that intersect [start, end) in the library's own RAM offsets.
void tb_invalidate_phys_range_x86_64(void* uc, std::uint64_t start, std::uint64_t end);

/// Makes the TLB notice the next store to [host_address, +bytes), whatever it is mapped at.
void tlb_reset_dirty_x86_64(void* cpu_state, std::uint64_t host_address, std::uint64_t bytes);

/// Where the page at a linear address is in physical memory, in the CPU's present paging mode,
/// whatever its permissions; all ones when it is not mapped.
std::uint64_t x86_cpu_get_phys_page_attrs_debug_x86_64(void* cpu_state, std::uint64_t address,
                                                       trapgate::emu::MemoryAttributes* attributes);

/// Fetches a code byte through the TLB; raises #PF when it cannot.
std::uint32_t cpu_ldub_code_x86_64(void* env, std::uint64_t address);

/// Sets DR7, and with it the execution breakpoints of DR0-DR3.
void cpu_x86_update_dr7_x86_64(void* env, std::uint32_t value);

/// CPUID of the CPU model.
void cpu_x86_cpuid_x86_64(void* env, std::uint32_t leaf, std::uint32_t subleaf, std::uint32_t* eax,
                          std::uint32_t* ebx, std::uint32_t* ecx, std::uint32_t* edx);

}  // extern "C"
