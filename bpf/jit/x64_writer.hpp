// SPDX-License-Identifier: GPL-2.0-only
// The few x86-64 encodings that the JIT needs, one method per instruction form (Intel SDM volume
// 2). No labels and no policy: see code_buffer.hpp for branches and instruction choice in the
// encode_*.cpp files.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/registers.hpp"

namespace trapgate::bpf::jit {

/// Hardware register numbers.
using cpu::Gpr;

/// Two-operand ALU instructions, by the /digit of their immediate form; the register form's opcode
/// is digit * 8 + 1.
enum class X64Alu : std::uint8_t { Add = 0, Or = 1, And = 4, Sub = 5, Xor = 6, Cmp = 7 };
/// /digit of the shift group.
enum class X64Shift : std::uint8_t { Shl = 4, Shr = 5, Sar = 7 };
/// Condition codes as they stand in 7x and 0F 8x.
enum class X64Cond : std::uint8_t {
    Below = 2,
    AboveEqual = 3,
    Equal = 4,
    NotEqual = 5,
    BelowEqual = 6,
    Above = 7,
    Less = 12,
    GreaterEqual = 13,
    LessEqual = 14,
    Greater = 15,
};

/// [base + disp]; base is any register but Rsp and R12.
struct X64Mem {
    Gpr base;
    std::int32_t disp;
};

/// Appends instructions to a byte vector. `w` is the operand width: true for 64 bits, false for 32.
class X64Writer {
public:
    [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }
    void reserve(std::size_t n) { bytes_.reserve(n); }

    void alu(bool w, X64Alu op, Gpr dst, Gpr src);
    void alu(bool w, X64Alu op, Gpr dst, std::int32_t imm);
    void test(bool w, Gpr a, Gpr b);
    void test(bool w, Gpr a, std::int32_t imm);
    void mov(bool w, Gpr dst, Gpr src);
    /// The shortest move of a 64-bit constant; flags change when it is 0.
    void mov_imm(Gpr dst, std::uint64_t value);
    /// Always ten bytes, whatever the value.
    void mov_imm_wide(Gpr dst, std::uint64_t value);
    void imul(bool w, Gpr dst, Gpr src);
    void imul(bool w, Gpr dst, Gpr src, std::int32_t imm);
    void neg(bool w, Gpr r);
    /// Rdx:Rax / r.
    void div(bool w, bool is_signed, Gpr r);
    void sign_extend_rax_to_rdx(bool w);
    void shift(bool w, X64Shift op, Gpr r, std::uint8_t count);
    void shift_cl(bool w, X64Shift op, Gpr r);
    void byte_swap(bool w, Gpr r);
    void rotate16_by_8(Gpr r);
    /// Zero- or sign-extends the low `bytes` (1, 2 or 4) of src.
    void extend(bool w, bool is_signed, std::uint32_t bytes, Gpr dst, Gpr src);

    void load(std::uint32_t bytes, bool is_signed, Gpr dst, X64Mem from);
    void store(std::uint32_t bytes, X64Mem to, Gpr src);
    void store_imm(std::uint32_t bytes, X64Mem to, std::int32_t imm);
    void lea(Gpr dst, X64Mem address);
    /// lea dst, [base + index * 8]
    void lea_scaled8(Gpr dst, Gpr base, Gpr index);
    void lock_alu(bool w, X64Alu op, X64Mem to, Gpr src);
    void lock_xadd(bool w, X64Mem to, Gpr src);
    void lock_cmpxchg(bool w, X64Mem to, Gpr src);
    void xchg(bool w, X64Mem to, Gpr src);
    void store_zeros_rep();  ///< rep stosq

    void push(Gpr r);
    void pop(Gpr r);
    void leave();
    void ret();

    /// A short forward branch inside one BPF instruction; pass the answer to `land` at the target.
    [[nodiscard]] std::uint32_t short_jump(X64Cond cond);
    [[nodiscard]] std::uint32_t short_jump();
    void land(std::uint32_t jump);
    /// Short backward branch to an offset in this buffer.
    void short_jump_back(X64Cond cond, std::uint32_t target);

private:
    void byte(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
    void imm32(std::uint32_t value);
    void rex_rr(bool w, Gpr reg, Gpr rm, bool byte_regs = false);
    void modrm_rr(Gpr reg, Gpr rm);
    void modrm_rr(unsigned digit, Gpr rm);
    void modrm_mem(Gpr reg, X64Mem mem);

    std::vector<std::uint8_t> bytes_;
};

}  // namespace trapgate::bpf::jit
