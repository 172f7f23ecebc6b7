// SPDX-License-Identifier: GPL-2.0-only
// Functions of libunicorn that are replaced for watchpoints (see interpose_support.hpp). The
// library's own data watchpoints are compiled out, but it still asks these two:
//
// cpu_watchpoint_address_matches   at each TLB fill: which accesses to this page are to be checked.
// cpu_check_watchpoint             before each such access. All other pages stay fast.
//
// helper_debug           An execution breakpoint is met, or INT1 executed: the library would leave
// its
//                        loop.
// helper_set_dr, helper_get_dr     General detect, reserved bits, and the data breakpoints.

#include "emu/engine/interpose_support.hpp"
#include "emu/engine/unicorn_internals.hpp"

using trapgate::emu::MemoryAttributes;
using trapgate::emu::original;
using trapgate::emu::running_engine;
using trapgate::emu::UnicornEngine;

TG_INTERPOSED int cpu_watchpoint_address_matches_x86_64(void*, std::uint64_t va,
                                                        std::uint64_t bytes) {
    const UnicornEngine* engine = UnicornEngine::active();
    return engine == nullptr ? 0 : static_cast<int>(engine->watched_kinds(va, bytes));
}

TG_INTERPOSED void cpu_check_watchpoint_x86_64(void*, std::uint64_t va, std::uint64_t bytes,
                                               MemoryAttributes, int kind, std::uintptr_t host_pc) {
    if (UnicornEngine* engine = UnicornEngine::active()) {
        engine->check_watched_access(va, bytes, static_cast<unsigned>(kind), host_pc);
    }
}

TG_INTERPOSED [[noreturn]] void helper_debug_x86_64(void*) {
    running_engine().meet_execution_breakpoint();
}

TG_INTERPOSED void helper_set_dr_x86_64(void* env, int index, std::uint64_t value) {
    UnicornEngine& engine = running_engine();
    engine.detect_debug_access(TG_RETURN_ADDRESS());
    engine.check_debug_value(index, value, TG_RETURN_ADDRESS());
    engine.synchronize(TG_RETURN_ADDRESS());  // For #UD (CR4.DE).
    static auto* const kNext = original<void(void*, int, std::uint64_t)>("helper_set_dr_x86_64");
    kNext(env, index, value);
    engine.debug_registers_changed();
}

TG_INTERPOSED std::uint64_t helper_get_dr_x86_64(void* env, int index) {
    UnicornEngine& engine = running_engine();
    engine.detect_debug_access(TG_RETURN_ADDRESS());
    engine.synchronize(TG_RETURN_ADDRESS());
    static auto* const kNext = original<std::uint64_t(void*, int)>("helper_get_dr_x86_64");
    return kNext(env, index);
}
