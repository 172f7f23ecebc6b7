// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Where libunicorn 2.1.4 keeps the state of its CPU. The public API cannot change the privilege
/// level, clear a stale double-fault state or ask for a block of exact length, so the engine reads
/// and writes these fields itself. The structures are found at run time by patterns written through
/// the public API and checked field by field; a library whose layout differs is refused.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <unicorn/unicorn.h>

#include "base/result.hpp"

namespace trapgate::emu {

/// Offsets from the start of CPUX86State.
namespace env_offset {
inline constexpr std::size_t kRegs = 0;
inline constexpr std::size_t kEip = 128;
inline constexpr std::size_t kEflags = 136;
inline constexpr std::size_t kCcDst = 144;
inline constexpr std::size_t kCcOp = 168;
inline constexpr std::size_t kDf = 172;
inline constexpr std::size_t kHflags = 176;
inline constexpr std::size_t kHflags2 = 180;
inline constexpr std::size_t kSegments = 184;  ///< ES CS SS DS FS GS, then LDTR, TR, GDTR, IDTR.
inline constexpr std::size_t kSegmentBytes = 24;
inline constexpr std::size_t kCr = 424;
inline constexpr std::size_t kA20 = 496;  ///< Mask of physical addresses.
inline constexpr std::size_t kEfer = 592;
inline constexpr std::size_t kX87Top = 604;
inline constexpr std::size_t kX87Control = 610;
inline constexpr std::size_t kX87Tags = 612;
inline constexpr std::size_t kX87Registers = 624;  ///< 16 bytes each, of which 10 are used.
// What the library's arithmetic makes of the control words.
inline constexpr std::size_t kX87Modes = 776;
inline constexpr std::size_t kMmxModes = 800;
inline constexpr std::size_t kSseModes = 808;
inline constexpr std::size_t kFloatModeBytes = 8;
inline constexpr std::size_t kMxcsr = 816;
inline constexpr std::size_t kXmm = 824;  ///< 32 of 64 bytes, of which 16 of 16 bytes are used.
inline constexpr std::size_t kXmmEnd = kXmm + 32 * 64 + 64 + 8;  ///< With two of the library's own.
}  // namespace env_offset

/// CPUX86State.hflags bits.
namespace hflag {
inline constexpr std::uint32_t kCplMask = 3;
inline constexpr std::uint32_t kInhibitIrq = 1U << 3;
inline constexpr std::uint32_t kCs32 = 1U << 4;
inline constexpr std::uint32_t kSs32 = 1U << 5;
inline constexpr std::uint32_t kAddSeg = 1U << 6;
inline constexpr std::uint32_t kProtected = 1U << 7;
inline constexpr std::uint32_t kLma = 1U << 14;
inline constexpr std::uint32_t kCs64 = 1U << 15;
inline constexpr std::uint32_t kFxsr = 1U << 22;
inline constexpr std::uint32_t kSmap = 1U << 23;
inline constexpr std::uint32_t kIoBreakpoint = 1U << 24;
}  // namespace hflag

/// CPUX86State.hflags2 bits.
namespace hflag2 {
inline constexpr std::uint32_t kGlobalInterrupts = 1U << 0;
inline constexpr std::uint32_t kNmiBlocked = 1U << 2;
}  // namespace hflag2

class UnicornState {
public:
    /// Finds the structures inside `uc` (a fresh x86-64 engine; its registers are overwritten). The
    /// error names the first field that is not where 2.1.4 has it.
    static Result<UnicornState> locate(uc_engine* uc);

    template <class T>
    [[nodiscard]] T env(std::size_t offset) const {
        T value;
        std::memcpy(&value, env_ + offset, sizeof(T));
        return value;
    }
    template <class T>
    void set_env(std::size_t offset, T value) {
        std::memcpy(env_ + offset, &value, sizeof(T));
    }

    [[nodiscard]] std::uint32_t hflags() const { return env<std::uint32_t>(env_offset::kHflags); }
    void set_hflags(std::uint32_t value) { set_env(env_offset::kHflags, value); }
    [[nodiscard]] std::uint64_t eip() const { return env<std::uint64_t>(env_offset::kEip); }
    void set_eip(std::uint64_t value) { set_env(env_offset::kEip, value); }

    /// Base of the code segment; zero in 64-bit mode.
    [[nodiscard]] std::uint64_t code_base() const {
        return env<std::uint64_t>(env_offset::kSegments + env_offset::kSegmentBytes + 8);
    }

    [[nodiscard]] std::int32_t error_code() const { return env<std::int32_t>(error_code_); }
    void set_error_code(std::int32_t value) { set_env(error_code_, value); }
    [[nodiscard]] bool exception_is_int() const { return env<std::int32_t>(error_code_ + 4) != 0; }
    [[nodiscard]] std::int32_t old_exception() const {
        return env<std::int32_t>(error_code_ + 112);
    }
    /// Unicorn never forgets a delivered contributory fault by itself: the next one would become
    /// #DF.
    void forget_old_exception() { set_env<std::int32_t>(error_code_ + 112, -1); }

    /// The next block looked up by the main loop has at most `instructions` (1..511).
    void limit_next_block(std::uint32_t instructions) {
        std::memcpy(cpu_ + kCflagsNextTb, &instructions, sizeof(instructions));
    }

    /// Return address of the last device access into its translation, and 0 from then on.
    std::uintptr_t take_device_access_pc() {
        std::uintptr_t host_pc = 0;
        std::memcpy(&host_pc, cpu_ + kMemIoPc, sizeof(host_pc));
        std::memset(cpu_ + kMemIoPc, 0, sizeof(host_pc));
        return host_pc;
    }

    /// The first `bytes` of the state.
    [[nodiscard]] std::span<std::byte> saved_env(std::size_t bytes) const { return {env_, bytes}; }
    /// Where the four pointers to the breakpoints of DR0-DR3 are, as an offset in saved_env().
    [[nodiscard]] std::size_t breakpoints_offset() const { return error_code_ + 80; }
    /// The same for what the library notes of an exception.
    [[nodiscard]] std::size_t exception_offset() const { return error_code_; }
    [[nodiscard]] std::uint64_t debug_register(std::size_t index) const {
        return env<std::uint64_t>(error_code_ + 16 + 8 * index);
    }
    void set_debug_register(std::size_t index, std::uint64_t value) {
        set_env(error_code_ + 16 + 8 * index, value);
    }

    [[nodiscard]] void* cpu_state() const { return cpu_; }
    [[nodiscard]] void* env_pointer() const { return env_; }

private:
    // In CPUState; self_check.cpp proves both.
    static constexpr std::size_t kCflagsNextTb = 24;
    static constexpr std::size_t kMemIoPc = 33144;

    std::byte* cpu_ = nullptr;
    std::byte* env_ = nullptr;
    std::size_t error_code_ = 0;
};

}  // namespace trapgate::emu
