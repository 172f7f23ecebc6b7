// SPDX-License-Identifier: GPL-2.0-only
// Functions of libunicorn that are replaced by defining them here: see unicorn_internals.hpp for
// how and why.
//
// tb_flush         All translations are thrown away; their addresses will be used again.
// tb_gen_code      Each translation gets a BlockInfo of its own.
// tcg_gen_callN    Translates calls of helpers. Those that ask whether to stop, one in each block
// and behind many accesses, are left out: the block hook leaves the block itself.
// cpu_loop_exit_noexc       A store into the current block throws it away: what stands behind the
// store was not executed. tlb_protect_code, tlb_unprotect_code, tlb_set_dirty,
// tlb_reset_dirty_by_vaddr, tlb_set_page_with_attrs, x86_cpu_tlb_fill, tb_invalidate_phys_page_fast
//                  Code pages by physical address instead of by mapping: code_pages.hpp.
// x86_stl_phys_notdirty    The page walker's accessed and dirty bits: a store that nothing else
//                  reports to who looks for changed pages.
// helper_in*/out*  Port accesses. The public hooks cannot restart the instruction in a block of its
// own, which is what
//                  makes an interrupt that the access raises land right behind it.
// helper_rdmsr, helper_wrmsr       Unknown MSRs fault, time and platform MSRs are the machine's.
// helper_cpuid     Only what works is advertised.
// helper_rdrand    No chance from the host.
// helper_syscall   Unicorn would only call a hook; it never enters the kernel.
// cpu_abort        Ends the process, for a task state segment that no CPU could have loaded: the
// guest's
//                  CPU shuts down instead.
// helper_rdtsc(p)  The clock. The public hooks do not know the exact instruction count.

#include "emu/engine/interpose_support.hpp"
#include "emu/engine/unicorn_internals.hpp"

using trapgate::emu::MemoryAttributes;
using trapgate::emu::original;
using trapgate::emu::running_engine;
using trapgate::emu::UnicornEngine;

TG_INTERPOSED void tb_flush_x86_64(void* cpu_state) {
    if (UnicornEngine* engine = UnicornEngine::active()) {
        engine->forget_blocks();
    }
    static auto* const kNext = original<void(void*)>("tb_flush_x86_64");
    kNext(cpu_state);
}

TG_INTERPOSED void* tb_gen_code_x86_64(void* cpu_state, std::uint64_t pc, std::uint64_t code_base,
                                       std::uint32_t flags, int options) {
    static auto* const kNext = original<void*(void*, std::uint64_t, std::uint64_t, std::uint32_t,
                                              int)>("tb_gen_code_x86_64");
    void* const made = kNext(cpu_state, pc, code_base, flags, options);
    running_engine().block_translated();
    return made;
}

TG_INTERPOSED void tcg_gen_callN_x86_64(void* translator, void* function, void* result, int count,
                                        void** arguments) {
    static const void* const kExitCheck = reinterpret_cast<void*>(
        original<void()>("helper_check_exit_request_x86_64"));
    if (function != kExitCheck) {
        static auto* const kNext = original<void(void*, void*, void*, int, void**)>(
            "tcg_gen_callN_x86_64");
        kNext(translator, function, result, count, arguments);
    }
}

TG_INTERPOSED std::uint64_t helper_inb_x86_64(void*, std::uint32_t port) {
    return running_engine().port_in(port, 1, TG_RETURN_ADDRESS());
}
TG_INTERPOSED std::uint64_t helper_inw_x86_64(void*, std::uint32_t port) {
    return running_engine().port_in(port, 2, TG_RETURN_ADDRESS());
}
TG_INTERPOSED std::uint64_t helper_inl_x86_64(void*, std::uint32_t port) {
    return running_engine().port_in(port, 4, TG_RETURN_ADDRESS());
}
TG_INTERPOSED void helper_outb_x86_64(void*, std::uint32_t port, std::uint32_t value) {
    running_engine().port_out(port, 1, value & 0xff, TG_RETURN_ADDRESS());
}
TG_INTERPOSED void helper_outw_x86_64(void*, std::uint32_t port, std::uint32_t value) {
    running_engine().port_out(port, 2, value & 0xffff, TG_RETURN_ADDRESS());
}
TG_INTERPOSED void helper_outl_x86_64(void*, std::uint32_t port, std::uint32_t value) {
    running_engine().port_out(port, 4, value, TG_RETURN_ADDRESS());
}

TG_INTERPOSED void helper_rdtsc_x86_64(void*) {
    running_engine().read_time_stamp(TG_RETURN_ADDRESS());
}
TG_INTERPOSED void helper_rdtscp_x86_64(void*) {
    running_engine().read_time_stamp_and_aux(TG_RETURN_ADDRESS());
}

TG_INTERPOSED [[noreturn]] void cpu_loop_exit_noexc_x86_64(void* cpu_state) {
    if (UnicornEngine* engine = UnicornEngine::active()) {
        engine->leave_block();
    }
    static auto* const kNext = original<void(void*)>("cpu_loop_exit_noexc_x86_64");
    kNext(cpu_state);
    __builtin_unreachable();
}

TG_INTERPOSED [[noreturn]] void cpu_abort_x86_64(void*, const char*, ...) {
    running_engine().give_up();
}

TG_INTERPOSED void tlb_protect_code_x86_64(void*, std::uint64_t ram_offset) {
    running_engine().protect_code(ram_offset);
}

TG_INTERPOSED void tlb_unprotect_code_x86_64(void*, std::uint64_t ram_offset) {
    running_engine().unprotect_code(ram_offset);
}

TG_INTERPOSED void tb_invalidate_phys_page_fast_x86_64(void* uc, void* pages,
                                                       std::uint64_t ram_offset, int bytes,
                                                       std::uintptr_t host_pc) {
    if (running_engine().catch_store(ram_offset, static_cast<std::uint64_t>(bytes))) {
        static auto* const kNext = original<void(void*, void*, std::uint64_t, int, std::uintptr_t)>(
            "tb_invalidate_phys_page_fast_x86_64");
        kNext(uc, pages, ram_offset, bytes, host_pc);
    }
}

// Called right behind the function above: stores may take the fast path from now on.
TG_INTERPOSED void tlb_set_dirty_x86_64(void* cpu_state, std::uint64_t va) {
    if (running_engine().last_store_is_free()) {
        static auto* const kNext = original<void(void*, std::uint64_t)>("tlb_set_dirty_x86_64");
        kNext(cpu_state, va);
    }
}

// protect_code has done it for all mappings.
TG_INTERPOSED void tlb_reset_dirty_by_vaddr_x86_64(void*, std::uint64_t, std::uint64_t) {}

TG_INTERPOSED bool x86_cpu_tlb_fill_x86_64(void* cpu_state, std::uint64_t va, int bytes, int access,
                                           int mmu_index, bool probe, std::uintptr_t host_pc) {
    if (UnicornEngine* engine = UnicornEngine::active()) {
        engine->begin_tlb_fill(va, access);
    }
    static auto* const kNext = original<bool(void*, std::uint64_t, int, int, int, bool,
                                             std::uintptr_t)>("x86_cpu_tlb_fill_x86_64");
    return kNext(cpu_state, va, bytes, access, mmu_index, probe, host_pc);
}

TG_INTERPOSED void tlb_set_page_with_attrs_x86_64(void* cpu_state, std::uint64_t va,
                                                  std::uint64_t pa, MemoryAttributes attributes,
                                                  int protection, int mmu_index,
                                                  std::uint64_t bytes) {
    constexpr int kExecute = 4;
    const UnicornEngine* engine = UnicornEngine::active();
    if (engine != nullptr && !engine->may_execute(pa)) {
        protection &= ~kExecute;
    }
    static auto* const kNext = original<void(void*, std::uint64_t, std::uint64_t, MemoryAttributes,
                                             int, int, std::uint64_t)>(
        "tlb_set_page_with_attrs_x86_64");
    kNext(cpu_state, va, pa, attributes, protection, mmu_index, bytes);
}

TG_INTERPOSED void x86_stl_phys_notdirty_x86_64(void* cpu_state, std::uint64_t pa,
                                                std::uint32_t value) {
    if (UnicornEngine* engine = UnicornEngine::active()) {
        engine->note_walker_store(pa);
    }
    static auto* const kNext = original<void(void*, std::uint64_t, std::uint32_t)>(
        "x86_stl_phys_notdirty_x86_64");
    kNext(cpu_state, pa, value);
}

TG_INTERPOSED void helper_rdmsr_x86_64(void* env) {
    UnicornEngine* engine = UnicornEngine::active();
    if (engine == nullptr || engine->read_msr(TG_RETURN_ADDRESS())) {
        static auto* const kNext = original<void(void*)>("helper_rdmsr_x86_64");
        kNext(env);
    }
}

TG_INTERPOSED void helper_wrmsr_x86_64(void* env) {
    UnicornEngine* engine = UnicornEngine::active();
    if (engine == nullptr || engine->write_msr(TG_RETURN_ADDRESS())) {
        static auto* const kNext = original<void(void*)>("helper_wrmsr_x86_64");
        kNext(env);
    }
}

TG_INTERPOSED void helper_cpuid_x86_64(void*) { running_engine().cpuid(); }

TG_INTERPOSED std::uint64_t helper_rdrand_x86_64(void*) { return running_engine().random(); }

TG_INTERPOSED void helper_syscall_x86_64(void*, int instruction_bytes) {
    running_engine().enter_system_call(instruction_bytes, TG_RETURN_ADDRESS());
}
