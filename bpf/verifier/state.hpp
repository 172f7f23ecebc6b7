// SPDX-License-Identifier: GPL-2.0-only
// What is known at one point of one path: registers and stack of each frame, and references held.
// Plain values: a branch copies them, pruning compares them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bpf/insn.hpp"
#include "bpf/verifier/scalar.hpp"

namespace trapgate::bpf {

enum class RegType : std::uint8_t {
    NotInit,
    Scalar,
    Context,
    ConstMapPtr,
    MapValue,
    Stack,
    RingMem,  ///< Payload of a reserved ring buffer record.
};

/// One register, or one spilled one. A pointer is base + off + number: `off` fixed, `number` the
/// variable part.
struct RegState {
    RegType type = RegType::NotInit;
    bool or_null = false;
    std::uint8_t frame = 0;  ///< Stack: whose stack.
    std::int32_t off = 0;
    std::uint32_t map = 0;       ///< ConstMapPtr, MapValue: index into the input's maps.
    std::uint32_t mem_size = 0;  ///< RingMem.
    /// Scalars with the same id hold the same value; or_null pointers with the same id are null
    /// together. 0: none.
    std::uint32_t id = 0;
    std::uint32_t origin = 0;  ///< Scalars: see origins.hpp.
    std::uint32_t ref_id = 0;  ///< Which reference this pointer must give back. 0: none.
    Scalar number;

    bool operator==(const RegState&) const = default;

    [[nodiscard]] static RegState scalar(const Scalar& s) {
        RegState r;
        r.type = RegType::Scalar;
        r.number = s;
        return r;
    }
    [[nodiscard]] static RegState constant(std::uint64_t v) { return scalar(Scalar::constant(v)); }
    [[nodiscard]] static RegState unknown() { return scalar(Scalar::unknown()); }
    [[nodiscard]] static RegState pointer(RegType type) {
        RegState r;
        r.type = type;
        r.number = Scalar::constant(0);
        return r;
    }

    [[nodiscard]] bool is_scalar() const { return type == RegType::Scalar; }
    [[nodiscard]] bool is_pointer() const { return type > RegType::Scalar; }
    [[nodiscard]] bool is_zero() const { return is_scalar() && number.is_zero(); }
};

/// One byte of stack.
enum class StackByte : std::uint8_t {
    Uninit,
    Spill,  ///< Part of a spilled register.
    Misc,   ///< Written, value unknown.
    Zero,
};

inline constexpr int kSlotBytes = 8;

/// 8 bytes of stack. Byte i of `bytes` is at address slot_end - 1 - i: index 7 has the lowest
/// address, and a spill of n bytes covers the last n indexes.
struct StackSlot {
    std::array<StackByte, kSlotBytes> bytes{};
    RegState spilled;

    bool operator==(const StackSlot&) const = default;
    [[nodiscard]] bool has_spill() const { return bytes[kSlotBytes - 1] == StackByte::Spill; }
    [[nodiscard]] int spill_bytes() const {
        int n = 0;
        while (n < kSlotBytes &&
               bytes[static_cast<std::size_t>(kSlotBytes - 1 - n)] == StackByte::Spill) {
            ++n;
        }
        return n;
    }
    /// The spilled register is lost; its bytes stay written.
    void scrub() {
        if (!has_spill()) {
            return;
        }
        spilled = {};
        for (StackByte& b : bytes) {
            b = b == StackByte::Spill ? StackByte::Misc : b;
        }
    }
};

/// Slot and byte index of a stack offset (-512..-1).
[[nodiscard]] inline std::size_t slot_of(std::int64_t off) {
    return static_cast<std::size_t>((-off - 1) / kSlotBytes);
}
[[nodiscard]] inline std::size_t byte_of(std::int64_t off) {
    return static_cast<std::size_t>((-off - 1) % kSlotBytes);
}

/// One function's activation.
struct Frame {
    std::array<RegState, kRegisters> regs{};
    std::vector<StackSlot> stack;  ///< Slot 0 is fp-8; as far down as was touched.
    std::uint32_t function = 0;    ///< Index of the function.
    std::uint32_t call_site = 0;   ///< Instruction of the call; frame 0: 0.

    bool operator==(const Frame&) const = default;
    void grow_stack(std::int64_t down_to) {
        const auto slots = static_cast<std::size_t>((-down_to + kSlotBytes - 1) / kSlotBytes);
        if (slots > stack.size()) {
            stack.resize(slots);
        }
    }
};

/// A ring buffer record that the program must give back.
struct Reference {
    std::uint32_t id = 0;
    std::uint32_t insn = 0;  ///< The call that made it.
    bool operator==(const Reference&) const = default;
};

inline constexpr std::size_t kMaxFrames = 8;

struct State {
    std::vector<Frame> frames;
    std::vector<Reference> references;

    [[nodiscard]] Frame& top() { return frames.back(); }
    [[nodiscard]] const Frame& top() const { return frames.back(); }
    [[nodiscard]] std::array<RegState, kRegisters>& regs() { return top().regs; }

    /// Calls `f(RegState&)` for each register and spilled register of all frames.
    template <class F>
    void for_each_reg(F f) {
        for (Frame& frame : frames) {
            for (RegState& reg : frame.regs) {
                f(reg);
            }
            for (StackSlot& slot : frame.stack) {
                if (slot.has_spill()) {
                    f(slot.spilled);
                }
            }
        }
    }
};

}  // namespace trapgate::bpf
