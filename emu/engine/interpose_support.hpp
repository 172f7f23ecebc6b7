// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// For the files that define functions of libunicorn anew (interpose*.cpp): see
/// unicorn_internals.hpp for how and why.

#include <cstdint>

#include <dlfcn.h>

#include "base/check.hpp"
#include "emu/engine/unicorn_engine.hpp"

namespace trapgate::emu {

/// The library's own function of this name.
template <class Function>
Function* original(const char* name) {
    void* symbol = ::dlsym(RTLD_NEXT, name);
    TG_CHECK(symbol != nullptr, "libunicorn lacks a function that the engine replaces");
    return reinterpret_cast<Function*>(symbol);
}

inline UnicornEngine& running_engine() {
    UnicornEngine* engine = UnicornEngine::active();
    TG_CHECK(engine != nullptr, "an engine runs that UnicornEngine did not start");
    return *engine;
}

}  // namespace trapgate::emu

// The functions are looked up by name by libunicorn; they have no declaration elsewhere.
#pragma GCC diagnostic ignored "-Wmissing-declarations"
#define TG_RETURN_ADDRESS() reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))
#define TG_INTERPOSED extern "C" __attribute__((visibility("default")))
