// SPDX-License-Identifier: GPL-2.0-only
#include "emu/engine/unicorn_state.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>
#include <unistd.h>

namespace trapgate::emu {
namespace {

constexpr std::size_t kEngineScan = 4096;
constexpr std::size_t kCpuScan = 64 * 1024;

// The order of CPUX86State.regs.
constexpr std::array<int, 16> kRegOrder{
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15};

// Reads memory that may not be mapped; returns what could be read.
std::vector<std::byte> probe_memory(std::uintptr_t address, std::size_t bytes) {
    std::vector<std::byte> copy(bytes);
    const iovec local{copy.data(), bytes};
    // One element a page: a partial read then ends at the first unmapped page.
    std::vector<iovec> remote;
    for (std::size_t done = 0; done < bytes;) {
        const std::size_t step = std::min<std::size_t>(4096 - (address + done) % 4096,
                                                       bytes - done);
        remote.push_back({reinterpret_cast<void*>(address + done), step});
        done += step;
    }
    const ssize_t got = ::process_vm_readv(::getpid(), &local, 1, remote.data(), remote.size(), 0);
    copy.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return copy;
}

bool holds_pointer(std::span<const std::byte> bytes, std::uintptr_t pointer) {
    for (std::size_t at = 0; at + sizeof(pointer) <= bytes.size(); at += sizeof(pointer)) {
        if (std::memcmp(bytes.data() + at, &pointer, sizeof(pointer)) == 0) {
            return true;
        }
    }
    return false;
}

template <class Pattern>
std::optional<std::size_t> find_pattern(std::span<const std::byte> bytes, const Pattern& pattern) {
    for (std::size_t at = 0; at + sizeof(pattern) <= bytes.size(); at += 8) {
        if (std::memcmp(bytes.data() + at, pattern.data(), sizeof(pattern)) == 0) {
            return at;
        }
    }
    return std::nullopt;
}

auto wrong_layout(const std::string& field) {
    return fail("this libunicorn keeps " + field + " elsewhere than 2.1.4 does", "libunicorn",
                "run ./dev build again to get the right build", ENOTSUP);
}

}  // namespace

Result<UnicornState> UnicornState::locate(uc_engine* uc) {
    std::array<std::uint64_t, 16> pattern{};
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        pattern[i] = 0x7261'7067'6174'6500ULL + (i * 0x0101'0000'0001ULL);
        uc_reg_write(uc, kRegOrder[i], &pattern[i]);
    }
    const auto engine_address = reinterpret_cast<std::uintptr_t>(uc);
    const std::vector<std::byte> engine = probe_memory(engine_address, kEngineScan);
    UnicornState state;
    // Start where Debian's build has the pointer: each wrong guess costs a 64 KiB copy.
    constexpr std::size_t kUsualPlace = 440;
    for (std::size_t i = 0; i + 8 <= engine.size() && state.env_ == nullptr; i += 8) {
        const std::size_t at = (kUsualPlace + i) % kEngineScan;
        if (at + 8 > engine.size()) {
            continue;
        }
        std::uintptr_t candidate = 0;
        std::memcpy(&candidate, engine.data() + at, sizeof(candidate));
        if (candidate < 4096 || candidate % 8 != 0 || candidate == engine_address) {
            continue;
        }
        const std::vector<std::byte> cpu = probe_memory(candidate, kCpuScan);
        const std::optional<std::size_t> env = find_pattern(cpu, pattern);
        if (!env) {
            continue;
        }
        // A heap block that happens to reach the CPU is not the CPU: it must point at its own env
        // and engine.
        const std::span<const std::byte> before(cpu.data(), *env);
        std::int32_t cores = 0;
        std::memcpy(&cores, cpu.data(), sizeof(cores));
        if (cores == 1 && holds_pointer(before, candidate + *env) &&
            holds_pointer(before, engine_address)) {
            state.cpu_ = reinterpret_cast<std::byte*>(candidate);
            state.env_ = state.cpu_ + *env;
        }
    }
    if (state.env_ == nullptr) {
        return wrong_layout("its CPU state");
    }

    // DR0..DR3 stand 16 bytes behind error_code.
    std::array<std::uint64_t, 4> debug_pattern{};
    for (std::size_t i = 0; i < debug_pattern.size(); ++i) {
        debug_pattern[i] = 0x6472'0000'1122'3300ULL + i;
        uc_reg_write(uc, UC_X86_REG_DR0 + static_cast<int>(i), &debug_pattern[i]);
    }
    const std::optional<std::size_t> debug = find_pattern(
        std::span<const std::byte>(state.env_, kCpuScan / 4), debug_pattern);
    if (!debug) {
        return wrong_layout("the debug registers");
    }
    state.error_code_ = *debug - 16;
    const std::uint64_t zero = 0;
    for (int i = 0; i < 4; ++i) {
        uc_reg_write(uc, UC_X86_REG_DR0 + i, &zero);
    }
    for (const int reg : kRegOrder) {
        uc_reg_write(uc, reg, &zero);
    }
    if (state.old_exception() != -1 && state.old_exception() != 0) {
        return wrong_layout("old_exception");
    }

    const std::uint64_t rip = 0x1234'5678'9abcULL;
    uc_reg_write(uc, UC_X86_REG_RIP, &rip);
    if (state.eip() != rip) {
        return wrong_layout("RIP");
    }
    const std::uint64_t flags = 0x8d7;
    uc_reg_write(uc, UC_X86_REG_RFLAGS, &flags);
    if (state.env<std::uint64_t>(env_offset::kCcDst + 8) != (flags & ~2ULL) ||
        state.env<std::uint32_t>(env_offset::kCcOp) != 1) {
        return wrong_layout("the flags");
    }
    const std::uint64_t no_flags = 2;
    uc_reg_write(uc, UC_X86_REG_RFLAGS, &no_flags);
    const uc_x86_mmr idtr{0, 0x1122'3344'5566ULL, 0x7ff, 0};
    uc_reg_write(uc, UC_X86_REG_IDTR, &idtr);
    const std::size_t idt = env_offset::kSegments + 9 * env_offset::kSegmentBytes;
    if (state.env<std::uint64_t>(idt + 8) != idtr.base) {
        return wrong_layout("IDTR");
    }
    const std::uint64_t cr2 = 0x5566'7788'99aaULL;
    uc_reg_write(uc, UC_X86_REG_CR2, &cr2);
    if (state.env<std::uint64_t>(env_offset::kCr + 16) != cr2) {
        return wrong_layout("CR2");
    }
    uc_x86_msr efer{0xc000'0080, 0};
    uc_reg_read(uc, UC_X86_REG_MSR, &efer);
    if (efer.value == 0 || state.env<std::uint64_t>(env_offset::kEfer) != efer.value) {
        return wrong_layout("EFER");
    }
    const std::uint16_t x87_status = 5U << 11;
    const std::uint16_t x87_control = 0x0f7e;
    const std::uint32_t mxcsr = 0x7fa1;
    uc_reg_write(uc, UC_X86_REG_FPSW, &x87_status);
    uc_reg_write(uc, UC_X86_REG_FPCW, &x87_control);
    uc_reg_write(uc, UC_X86_REG_MXCSR, &mxcsr);
    if (state.env<std::uint32_t>(env_offset::kX87Top) != 5 ||
        state.env<std::uint16_t>(env_offset::kX87Control) != x87_control ||
        state.env<std::uint32_t>(env_offset::kMxcsr) != mxcsr ||
        state.env<std::uint32_t>(env_offset::kA20) != ~0U) {
        return wrong_layout("the x87 and SSE control words");
    }
    const std::array<std::uint64_t, 2> wide{0x1122'3344'5566'7788, 0x99aa};
    uc_reg_write(uc, UC_X86_REG_FP1, wide.data());
    uc_reg_write(uc, UC_X86_REG_XMM2, wide.data());
    const auto stands_at = [&](std::size_t offset) {
        return state.env<std::uint64_t>(offset) == wide[0] &&
               state.env<std::uint16_t>(offset + 8) == wide[1];
    };
    if (!stands_at(env_offset::kX87Registers + 16) || !stands_at(env_offset::kXmm + 2 * 64)) {
        return wrong_layout("the x87 and SSE registers");
    }
    const std::array<std::uint64_t, 2> empty{};
    uc_reg_write(uc, UC_X86_REG_FP1, empty.data());
    uc_reg_write(uc, UC_X86_REG_XMM2, empty.data());
    const std::uint16_t x87_status_at_reset = 0;
    const std::uint16_t x87_control_at_reset = 0x37f;
    const std::uint32_t mxcsr_at_reset = 0x1f80;
    uc_reg_write(uc, UC_X86_REG_FPSW, &x87_status_at_reset);
    uc_reg_write(uc, UC_X86_REG_FPCW, &x87_control_at_reset);
    uc_reg_write(uc, UC_X86_REG_MXCSR, &mxcsr_at_reset);
    if ((state.hflags() & (hflag::kLma | hflag::kCs64)) != (hflag::kLma | hflag::kCs64)) {
        return wrong_layout("hflags");
    }
    return state;
}

}  // namespace trapgate::emu
