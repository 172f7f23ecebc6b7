// SPDX-License-Identifier: GPL-2.0-only
// Functions of libunicorn that are replaced for what a system register or a return to user mode
// must refuse (see interpose_support.hpp); the library checks next to nothing of it.
//
// helper_write_crN, helper_read_crN   Reserved and inconsistent bits; CR8 is the local APIC's.
// helper_xsetbv    XCR0.
// helper_sysret    A non-canonical RCX, and RF and VM, which it does not load.
// helper_sysenter  Unicorn would only call a hook.
// helper_sysexit   A non-canonical RCX or RDX.
// helper_iret_protected, helper_lret_protected   A non-canonical RIP faults at the return; code
// segments that are both 64 and 32 bits wide; an absent stack segment is #SS.

#include "emu/engine/interpose_support.hpp"
#include "emu/engine/unicorn_internals.hpp"

using trapgate::emu::original;
using trapgate::emu::running_engine;
using trapgate::emu::UnicornEngine;

TG_INTERPOSED void helper_write_crN_x86_64(void* env, int index, std::uint64_t value) {
    if (running_engine().write_control_register(index, value, TG_RETURN_ADDRESS())) {
        static auto* const kNext = original<void(void*, int, std::uint64_t)>(
            "helper_write_crN_x86_64");
        kNext(env, index, value);
    }
}

TG_INTERPOSED std::uint64_t helper_read_crN_x86_64(void* env, int index) {
    constexpr int kTaskPriority = 8;
    if (index == kTaskPriority) {
        return running_engine().task_priority(TG_RETURN_ADDRESS());
    }
    static auto* const kNext = original<std::uint64_t(void*, int)>("helper_read_crN_x86_64");
    return kNext(env, index);
}

TG_INTERPOSED void helper_xsetbv_x86_64(void* env, std::uint32_t index, std::uint64_t value) {
    running_engine().check_xcr(index, value, TG_RETURN_ADDRESS());
    static auto* const kNext = original<void(void*, std::uint32_t, std::uint64_t)>(
        "helper_xsetbv_x86_64");
    kNext(env, index, value);
}

TG_INTERPOSED void helper_sysret_x86_64(void* env, int operand_size) {
    UnicornEngine& engine = running_engine();
    engine.check_system_return(operand_size, TG_RETURN_ADDRESS());
    static auto* const kNext = original<void(void*, int)>("helper_sysret_x86_64");
    kNext(env, operand_size);
    engine.returned_from_system_call();
}

TG_INTERPOSED void helper_sysenter_x86_64(void*, int) {
    running_engine().enter_by_sysenter(TG_RETURN_ADDRESS());
}

TG_INTERPOSED void helper_sysexit_x86_64(void* env, int operand_size) {
    running_engine().check_sysexit(operand_size, TG_RETURN_ADDRESS());
    static auto* const kNext = original<void(void*, int)>("helper_sysexit_x86_64");
    kNext(env, operand_size);
}

TG_INTERPOSED void helper_iret_protected_x86_64(void* env, int shift, int next_eip) {
    UnicornEngine& engine = running_engine();
    engine.synchronize(TG_RETURN_ADDRESS());  // It faults without knowing where it was called.
    engine.check_far_return(shift, UnicornEngine::kInterruptReturn, TG_RETURN_ADDRESS());
    static auto* const kNext = original<void(void*, int, int)>("helper_iret_protected_x86_64");
    kNext(env, shift, next_eip);
    engine.returned_far();
    engine.returned_from_interrupt();
}

TG_INTERPOSED void helper_lret_protected_x86_64(void* env, int shift, int addend) {
    UnicornEngine& engine = running_engine();
    engine.synchronize(TG_RETURN_ADDRESS());
    engine.check_far_return(shift, static_cast<unsigned>(addend), TG_RETURN_ADDRESS());
    static auto* const kNext = original<void(void*, int, int)>("helper_lret_protected_x86_64");
    kNext(env, shift, addend);
    engine.returned_far();
}
