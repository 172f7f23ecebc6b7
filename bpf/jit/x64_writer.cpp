// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/jit/x64_writer.hpp"

#include <limits>

#include "base/check.hpp"

namespace trapgate::bpf::jit {

namespace {

constexpr unsigned num(Gpr r) { return static_cast<unsigned>(r); }
constexpr unsigned low3(Gpr r) { return num(r) & 7; }
constexpr bool is_high(Gpr r) { return num(r) >= 8; }
constexpr bool fits8(std::int64_t v) { return v >= -128 && v <= 127; }

}  // namespace

void X64Writer::imm32(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        byte((value >> shift) & 0xff);
    }
}

/// The REX prefix if one is needed. `byte_regs`: reg is used as a byte, where numbers 4..7 need a
/// prefix to mean SPL..DIL.
void X64Writer::rex_rr(bool w, Gpr reg, Gpr rm, bool byte_regs) {
    const unsigned rex = 0x40U | (w ? 8U : 0U) | (is_high(reg) ? 4U : 0U) | (is_high(rm) ? 1U : 0U);
    if (rex != 0x40 || (byte_regs && num(reg) >= 4)) {
        byte(rex);
    }
}

void X64Writer::modrm_rr(Gpr reg, Gpr rm) { byte(0xc0U | low3(reg) << 3 | low3(rm)); }

void X64Writer::modrm_rr(unsigned digit, Gpr rm) { byte(0xc0U | digit << 3 | low3(rm)); }

void X64Writer::modrm_mem(Gpr reg, X64Mem mem) {
    TG_CHECK(low3(mem.base) != 4, "Rsp and R12 as a base would need a SIB byte");
    const bool needs_disp = low3(mem.base) == 5;  // Rbp and R13 with mod 0 mean something else
    if (mem.disp == 0 && !needs_disp) {
        byte(low3(reg) << 3 | low3(mem.base));
    } else if (fits8(mem.disp)) {
        byte(0x40U | low3(reg) << 3 | low3(mem.base));
        byte(static_cast<unsigned>(mem.disp) & 0xff);
    } else {
        byte(0x80U | low3(reg) << 3 | low3(mem.base));
        imm32(static_cast<std::uint32_t>(mem.disp));
    }
}

void X64Writer::alu(bool w, X64Alu op, Gpr dst, Gpr src) {
    rex_rr(w, src, dst);
    byte(static_cast<unsigned>(op) * 8 + 1);
    modrm_rr(src, dst);
}

void X64Writer::alu(bool w, X64Alu op, Gpr dst, std::int32_t imm) {
    rex_rr(w, Gpr::Rax, dst);
    byte(fits8(imm) ? 0x83 : 0x81);
    modrm_rr(static_cast<unsigned>(op), dst);
    if (fits8(imm)) {
        byte(static_cast<unsigned>(imm) & 0xff);
    } else {
        imm32(static_cast<std::uint32_t>(imm));
    }
}

void X64Writer::test(bool w, Gpr a, Gpr b) {
    rex_rr(w, b, a);
    byte(0x85);
    modrm_rr(b, a);
}

void X64Writer::test(bool w, Gpr a, std::int32_t imm) {
    rex_rr(w, Gpr::Rax, a);
    byte(0xf7);
    modrm_rr(0U, a);
    imm32(static_cast<std::uint32_t>(imm));
}

void X64Writer::mov(bool w, Gpr dst, Gpr src) {
    rex_rr(w, src, dst);
    byte(0x89);
    modrm_rr(src, dst);
}

void X64Writer::mov_imm(Gpr dst, std::uint64_t value) {
    const auto as_signed = static_cast<std::int64_t>(value);
    if (value == 0) {
        alu(false, X64Alu::Xor, dst, dst);
    } else if (value <= std::numeric_limits<std::uint32_t>::max()) {
        rex_rr(false, Gpr::Rax, dst);
        byte(0xb8U | low3(dst));
        imm32(static_cast<std::uint32_t>(value));
    } else if (as_signed < 0 && as_signed >= std::numeric_limits<std::int32_t>::min()) {
        rex_rr(true, Gpr::Rax, dst);
        byte(0xc7);
        modrm_rr(0U, dst);
        imm32(static_cast<std::uint32_t>(value));
    } else {
        mov_imm_wide(dst, value);
    }
}

void X64Writer::mov_imm_wide(Gpr dst, std::uint64_t value) {
    rex_rr(true, Gpr::Rax, dst);
    byte(0xb8U | low3(dst));
    imm32(static_cast<std::uint32_t>(value));
    imm32(static_cast<std::uint32_t>(value >> 32));
}

void X64Writer::imul(bool w, Gpr dst, Gpr src) {
    rex_rr(w, dst, src);
    byte(0x0f);
    byte(0xaf);
    modrm_rr(dst, src);
}

void X64Writer::imul(bool w, Gpr dst, Gpr src, std::int32_t imm) {
    rex_rr(w, dst, src);
    byte(fits8(imm) ? 0x6b : 0x69);
    modrm_rr(dst, src);
    if (fits8(imm)) {
        byte(static_cast<unsigned>(imm) & 0xff);
    } else {
        imm32(static_cast<std::uint32_t>(imm));
    }
}

void X64Writer::neg(bool w, Gpr r) {
    rex_rr(w, Gpr::Rax, r);
    byte(0xf7);
    modrm_rr(3U, r);
}

void X64Writer::div(bool w, bool is_signed, Gpr r) {
    rex_rr(w, Gpr::Rax, r);
    byte(0xf7);
    modrm_rr(is_signed ? 7U : 6U, r);
}

void X64Writer::sign_extend_rax_to_rdx(bool w) {
    rex_rr(w, Gpr::Rax, Gpr::Rax);
    byte(0x99);
}

void X64Writer::shift(bool w, X64Shift op, Gpr r, std::uint8_t count) {
    rex_rr(w, Gpr::Rax, r);
    byte(count == 1 ? 0xd1 : 0xc1);
    modrm_rr(static_cast<unsigned>(op), r);
    if (count != 1) {
        byte(count);
    }
}

void X64Writer::shift_cl(bool w, X64Shift op, Gpr r) {
    rex_rr(w, Gpr::Rax, r);
    byte(0xd3);
    modrm_rr(static_cast<unsigned>(op), r);
}

void X64Writer::byte_swap(bool w, Gpr r) {
    rex_rr(w, Gpr::Rax, r);
    byte(0x0f);
    byte(0xc8U | low3(r));
}

void X64Writer::rotate16_by_8(Gpr r) {
    byte(0x66);
    rex_rr(false, Gpr::Rax, r);
    byte(0xc1);
    modrm_rr(1U, r);  // ror
    byte(8);
}

void X64Writer::extend(bool w, bool is_signed, std::uint32_t bytes, Gpr dst, Gpr src) {
    if (bytes == 4 && !is_signed) {
        mov(false, dst, src);
        return;
    }
    // As a byte, src numbers 4..7 need a REX prefix; it is src that sits in rm here.
    const bool rex_for_byte = bytes == 1 && num(src) >= 4 && !is_high(src);
    if (rex_for_byte && !w && !is_high(dst)) {
        byte(0x40);
    }
    rex_rr(w, dst, src);
    if (bytes == 4) {
        byte(0x63);
    } else {
        byte(0x0f);
        byte((is_signed ? 0xbeU : 0xb6U) | (bytes == 2 ? 1U : 0U));
    }
    modrm_rr(dst, src);
}

void X64Writer::load(std::uint32_t bytes, bool is_signed, Gpr dst, X64Mem from) {
    rex_rr(is_signed || bytes == 8, dst, from.base);
    if (bytes == 8 || (bytes == 4 && !is_signed)) {
        byte(0x8b);
    } else if (bytes == 4) {
        byte(0x63);
    } else {
        byte(0x0f);
        byte((is_signed ? 0xbeU : 0xb6U) | (bytes == 2 ? 1U : 0U));
    }
    modrm_mem(dst, from);
}

void X64Writer::store(std::uint32_t bytes, X64Mem to, Gpr src) {
    if (bytes == 2) {
        byte(0x66);
    }
    rex_rr(bytes == 8, src, to.base, bytes == 1);
    byte(bytes == 1 ? 0x88 : 0x89);
    modrm_mem(src, to);
}

void X64Writer::store_imm(std::uint32_t bytes, X64Mem to, std::int32_t imm) {
    if (bytes == 2) {
        byte(0x66);
    }
    rex_rr(bytes == 8, Gpr::Rax, to.base);
    byte(bytes == 1 ? 0xc6 : 0xc7);
    modrm_mem(Gpr::Rax, to);
    const auto value = static_cast<std::uint32_t>(imm);
    if (bytes >= 4) {
        imm32(value);
        return;
    }
    byte(value & 0xff);
    if (bytes == 2) {
        byte((value >> 8) & 0xff);
    }
}

void X64Writer::lea(Gpr dst, X64Mem address) {
    rex_rr(true, dst, address.base);
    byte(0x8d);
    modrm_mem(dst, address);
}

void X64Writer::lea_scaled8(Gpr dst, Gpr base, Gpr index) {
    TG_CHECK(low3(base) != 5 && index != Gpr::Rsp, "needs a displacement or is no index");
    byte(0x48U | (is_high(dst) ? 4U : 0U) | (is_high(index) ? 2U : 0U) | (is_high(base) ? 1U : 0U));
    byte(0x8d);
    byte(0x04U | low3(dst) << 3);
    byte(0xc0U | low3(index) << 3 | low3(base));
}

void X64Writer::lock_alu(bool w, X64Alu op, X64Mem to, Gpr src) {
    byte(0xf0);
    rex_rr(w, src, to.base);
    byte(static_cast<unsigned>(op) * 8 + 1);
    modrm_mem(src, to);
}

void X64Writer::lock_xadd(bool w, X64Mem to, Gpr src) {
    byte(0xf0);
    rex_rr(w, src, to.base);
    byte(0x0f);
    byte(0xc1);
    modrm_mem(src, to);
}

void X64Writer::lock_cmpxchg(bool w, X64Mem to, Gpr src) {
    byte(0xf0);
    rex_rr(w, src, to.base);
    byte(0x0f);
    byte(0xb1);
    modrm_mem(src, to);
}

void X64Writer::xchg(bool w, X64Mem to, Gpr src) {
    rex_rr(w, src, to.base);
    byte(0x87);
    modrm_mem(src, to);
}

void X64Writer::store_zeros_rep() {
    byte(0xf3);
    byte(0x48);
    byte(0xab);
}

void X64Writer::push(Gpr r) {
    rex_rr(false, Gpr::Rax, r);
    byte(0x50U | low3(r));
}

void X64Writer::pop(Gpr r) {
    rex_rr(false, Gpr::Rax, r);
    byte(0x58U | low3(r));
}

void X64Writer::leave() { byte(0xc9); }

void X64Writer::ret() { byte(0xc3); }

std::uint32_t X64Writer::short_jump(X64Cond cond) {
    byte(0x70U | static_cast<unsigned>(cond));
    byte(0);
    return size();
}

std::uint32_t X64Writer::short_jump() {
    byte(0xeb);
    byte(0);
    return size();
}

void X64Writer::land(std::uint32_t jump) {
    const std::uint32_t distance = size() - jump;
    TG_CHECK(distance <= 127, "a branch inside one BPF instruction is short");
    bytes_[jump - 1] = static_cast<std::uint8_t>(distance);
}

void X64Writer::short_jump_back(X64Cond cond, std::uint32_t target) {
    byte(0x70U | static_cast<unsigned>(cond));
    byte(0);
    const std::int64_t distance = std::int64_t{target} - std::int64_t{size()};
    TG_CHECK(distance >= -128, "a branch inside one BPF instruction is short");
    bytes_.back() = static_cast<std::uint8_t>(distance);
}

}  // namespace trapgate::bpf::jit
