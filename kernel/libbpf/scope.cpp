// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/libbpf/scope.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>

#include <bpf/libbpf.h>

namespace trapgate::kernel {
namespace {

thread_local HostKernel* current_kernel = nullptr;
thread_local std::string* current_log = nullptr;

// libbpf has one print function for the whole process; it finds the thread's own log from here.
int keep_line(enum libbpf_print_level level, const char* format, va_list arguments) {
    if (current_log == nullptr || level == LIBBPF_DEBUG) {
        return 0;
    }
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length > 0) {
        std::string line(static_cast<std::size_t>(length) + 1, '\0');
        std::vsnprintf(line.data(), line.size(), format, arguments);
        line.pop_back();
        *current_log += line;
    }
    return length;
}

}  // namespace

LibbpfScope::LibbpfScope(HostKernel& kernel, std::string* log)
    : outer_kernel_(current_kernel), outer_log_(current_log) {
    static std::once_flag print_is_set;
    std::call_once(print_is_set, [] { libbpf_set_print(keep_line); });
    current_kernel = &kernel;
    current_log = log;
}

LibbpfScope::~LibbpfScope() {
    current_kernel = outer_kernel_;
    current_log = outer_log_;
}

HostKernel* LibbpfScope::current() { return current_kernel; }

}  // namespace trapgate::kernel
