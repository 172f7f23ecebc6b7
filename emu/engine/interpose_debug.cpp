// SPDX-License-Identifier: GPL-2.0-only
// Functions of libunicorn that are replaced for watchpoints (see interpose_support.hpp). The
// library's own data watchpoints are compiled out, but it still asks these two:
//
// cpu_watchpoint_address_matches   at each TLB fill: which accesses to this page are to be checked.
// cpu_check_watchpoint             before each such access. All other pages stay fast.

#include "emu/engine/interpose_support.hpp"
#include "emu/engine/unicorn_internals.hpp"

using trapgate::emu::MemoryAttributes;
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
