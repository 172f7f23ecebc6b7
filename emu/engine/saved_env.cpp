// SPDX-License-Identifier: GPL-2.0-only
#include "emu/engine/saved_env.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "cpu/register_rules.hpp"
#include "cpu/registers.hpp"
#include "emu/engine/unicorn_state.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kConditionCodes = 64;  // More than there are lazy flag operations.
constexpr std::uint64_t kEferBits = 0xd01;     // SCE, LME, LMA, NXE
constexpr std::uint64_t kLma = 1U << 10;
constexpr std::uint64_t kFlagBits = 0x3f'7fd7;
constexpr std::uint64_t kPaging = 1ULL << 31;
constexpr std::uint64_t kCr4Fxsr = 1U << 9;
constexpr std::uint64_t kLower32 = 0xffff'ffff;
constexpr std::size_t kX87Registers = 8;

// hflags that a guest can have here: all but SMM, virtual machines and bound registers, and those
// that the library takes from RFLAGS.
constexpr std::uint32_t kModes = hflag::kCplMask | hflag::kInhibitIrq | hflag::kCs32 |
                                 hflag::kSs32 | hflag::kAddSeg | hflag::kProtected | 0x0e00 |
                                 hflag::kLma | hflag::kCs64 | 1U << 18 | hflag::kFxsr |
                                 hflag::kSmap | hflag::kIoBreakpoint;
constexpr std::uint32_t kOtherModes = hflag2::kGlobalInterrupts | hflag2::kNmiBlocked;

class Env {
public:
    explicit Env(std::span<const std::byte> bytes) : bytes_(bytes) {}
    template <class T>
    [[nodiscard]] T at(std::size_t offset) const {
        T value;
        std::memcpy(&value, bytes_.subspan(offset, sizeof(T)).data(), sizeof(T));
        return value;
    }

private:
    std::span<const std::byte> bytes_;
};

bool flags_are_possible(const Env& env) {
    const auto direction = env.at<std::uint32_t>(env_offset::kDf);
    return (direction == 1 || direction == ~0U) &&
           env.at<std::uint32_t>(env_offset::kCcOp) < kConditionCodes &&
           (env.at<std::uint64_t>(env_offset::kEflags) & ~kFlagBits) == 0;
}

bool modes_are_possible(const Env& env) {
    const auto hflags = env.at<std::uint32_t>(env_offset::kHflags);
    const auto cr0 = env.at<std::uint64_t>(env_offset::kCr);
    const auto cr4 = env.at<std::uint64_t>(env_offset::kCr + 32);
    const auto efer = env.at<std::uint64_t>(env_offset::kEfer);
    constexpr unsigned kFromCr0 = 8;  // MP, EM and TS stand so much higher than in CR0.
    const bool is_protected = (cr0 & 1) != 0;
    const bool long_mode = (efer & kLma) != 0;
    const auto has = [hflags](std::uint32_t bits) { return (hflags & bits) == bits; };
    return (hflags & ~kModes) == 0 &&
           (env.at<std::uint32_t>(env_offset::kHflags2) & ~kOtherModes) == 0 &&
           (cr0 & ~kLower32) == 0 && (cr4 & ~kLower32) == 0 && (efer & ~kEferBits) == 0 &&
           (is_protected || (cr0 & kPaging) == 0) && has(hflag::kProtected) == is_protected &&
           (hflags & 0x0e00) == ((cr0 & 0xe) << kFromCr0) && has(hflag::kLma) == long_mode &&
           (!has(hflag::kCs64) || (long_mode && has(hflag::kCs32))) &&
           has(hflag::kFxsr) == ((cr4 & kCr4Fxsr) != 0) &&
           env.at<std::uint32_t>(env_offset::kA20) == ~0U;
}

bool x87_is_possible(const Env& env) {
    bool good = env.at<std::uint32_t>(env_offset::kX87Top) < kX87Registers;
    for (std::size_t i = 0; i < kX87Registers; ++i) {
        good = good && env.at<std::uint8_t>(env_offset::kX87Tags + i) <= 1;
    }
    return good;
}

constexpr std::array kFloatModes{env_offset::kX87Modes, env_offset::kMmxModes,
                                 env_offset::kSseModes};

}  // namespace

std::string_view mistake_in_env(std::span<const std::byte> env) {
    const Env values(env);
    if (!flags_are_possible(values)) {
        return "flags that the CPU cannot have";
    }
    if (!modes_are_possible(values)) {
        return "a mode that the CPU cannot be in";
    }
    return x87_is_possible(values) ? "" : "an x87 stack that the CPU cannot have";
}

void forget_float_leftovers(std::span<std::byte> env) {
    const auto forget = [env](std::size_t first, std::size_t end) {
        std::ranges::fill(env.subspan(first, end - first), std::byte{0});
    };
    for (const std::size_t modes : kFloatModes) {
        forget(modes, modes + env_offset::kFloatModeBytes);
    }
    for (std::size_t i = 0; i < kX87Registers; ++i) {
        const std::size_t at = env_offset::kX87Registers + i * 16;
        forget(at + 10, at + 16);
    }
    constexpr std::size_t kXmmRegisters = 16;
    for (std::size_t i = 0; i < kXmmRegisters; ++i) {
        const std::size_t at = env_offset::kXmm + i * 64;
        forget(at + 16, at + 64);
    }
    forget(env_offset::kXmm + kXmmRegisters * 64, env_offset::kXmmEnd);
}

}  // namespace trapgate::emu
