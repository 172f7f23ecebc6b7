// SPDX-License-Identifier: GPL-2.0-only
// x87 and SSE registers through the public API.
#include <array>
#include <cstring>

#include "emu/engine/unicorn_engine.hpp"

namespace trapgate::emu {
namespace {

// The library reads and writes whole C types of its own; this is room for any of them.
using Room = std::array<std::byte, 16>;

template <class T>
T read_as(uc_engine* uc, int number) {
    Room room{};
    uc_reg_read(uc, number, room.data());
    T value;
    std::memcpy(&value, room.data(), sizeof(T));
    return value;
}

template <class T>
void write_as(uc_engine* uc, int number, const T& value) {
    Room room{};
    std::memcpy(room.data(), &value, sizeof(T));
    uc_reg_write(uc, number, room.data());
}

// The library numbers the eight x87 registers by their place, not from the top of the stack.
int x87_number(unsigned status, unsigned st) {
    const unsigned top = (status >> 11) & 7;
    return UC_X86_REG_FP0 + static_cast<int>((top + st) & 7);
}

}  // namespace

cpu::FpuState UnicornEngine::fpu() const {
    cpu::FpuState fpu;
    fpu.control = read_as<std::uint16_t>(uc_, UC_X86_REG_FPCW);
    fpu.status = read_as<std::uint16_t>(uc_, UC_X86_REG_FPSW);
    fpu.tag = read_as<std::uint16_t>(uc_, UC_X86_REG_FPTAG);
    fpu.mxcsr = read_as<std::uint32_t>(uc_, UC_X86_REG_MXCSR);
    for (unsigned i = 0; i < fpu.st.size(); ++i) {
        fpu.st[i] = read_as<std::array<std::byte, 10>>(uc_, x87_number(fpu.status, i));
    }
    for (unsigned i = 0; i < fpu.xmm.size(); ++i) {
        fpu.xmm[i] = read_as<Room>(uc_, UC_X86_REG_XMM0 + static_cast<int>(i));
    }
    return fpu;
}

void UnicornEngine::set_fpu(const cpu::FpuState& fpu) {
    write_as(uc_, UC_X86_REG_FPCW, fpu.control);
    write_as(uc_, UC_X86_REG_FPSW, fpu.status);
    write_as(uc_, UC_X86_REG_FPTAG, fpu.tag);
    write_as(uc_, UC_X86_REG_MXCSR, fpu.mxcsr);
    for (unsigned i = 0; i < fpu.st.size(); ++i) {
        write_as(uc_, x87_number(fpu.status, i), fpu.st[i]);
    }
    for (unsigned i = 0; i < fpu.xmm.size(); ++i) {
        write_as(uc_, UC_X86_REG_XMM0 + static_cast<int>(i), fpu.xmm[i]);
    }
}

}  // namespace trapgate::emu
