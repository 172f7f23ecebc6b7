// SPDX-License-Identifier: GPL-2.0-only
// Functions of libunicorn that are replaced by defining them here: see unicorn_internals.hpp for
// how and why.
//
// tb_flush         All translations are thrown away; their addresses will be used again.
// helper_in*/out*  Port accesses. The public hooks cannot restart the instruction in a block of its
// own, which is what
//                  makes an interrupt that the access raises land right behind it.
// helper_rdtsc(p)  The clock. The public hooks do not know the exact instruction count.

#include <cstdint>

#include <dlfcn.h>

#include "base/check.hpp"
#include "emu/engine/unicorn_engine.hpp"

namespace trapgate::emu {
namespace {

template <class Function>
Function* original(const char* name) {
    void* symbol = ::dlsym(RTLD_NEXT, name);
    TG_CHECK(symbol != nullptr, "libunicorn lacks a function that the engine replaces");
    return reinterpret_cast<Function*>(symbol);
}

UnicornEngine& running_engine() {
    UnicornEngine* engine = UnicornEngine::active();
    TG_CHECK(engine != nullptr, "an engine runs that UnicornEngine did not start");
    return *engine;
}

}  // namespace
}  // namespace trapgate::emu

using trapgate::emu::running_engine;
using trapgate::emu::UnicornEngine;

// The functions below are looked up by name by libunicorn; they have no declaration elsewhere.
#pragma GCC diagnostic ignored "-Wmissing-declarations"
#define TG_RETURN_ADDRESS() reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))
#define TG_INTERPOSED extern "C" __attribute__((visibility("default")))

TG_INTERPOSED void tb_flush_x86_64(void* cpu_state) {
    if (UnicornEngine* engine = UnicornEngine::active()) {
        engine->forget_blocks();
    }
    static auto* const next = trapgate::emu::original<void(void*)>("tb_flush_x86_64");
    next(cpu_state);
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
