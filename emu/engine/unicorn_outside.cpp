// SPDX-License-Identifier: GPL-2.0-only
// Instructions that reach outside the CPU: ports, time, MSRs, CPUID, chance. Called by the replaced
// helpers (interpose.cpp), in the middle of a block.
#include <array>
#include <optional>

#include "base/check.hpp"
#include "emu/engine/cpuid.hpp"
#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"
#include "emu/msrs.hpp"

namespace trapgate::emu {
namespace {

constexpr int kGeneralProtection = static_cast<int>(cpu::Vector::GeneralProtection);

}  // namespace

UnicornEngine::BlockPlace UnicornEngine::place_before(std::uintptr_t host_pc) {
    cpu_restore_state_x86_64(state_.cpu_state(), host_pc, false);
    const std::optional<BlockPlace> place = place_in_block(linear_rip());
    TG_CHECK(place.has_value(), "a helper runs outside the current block");
    return *place;
}

void UnicornEngine::isolate_instruction(std::uintptr_t host_pc) {
    const BlockPlace before = place_before(host_pc);
    if (block_start() + before.instructions + 1 != instructions_) {
        take_back_behind(before);
        pass_breakpoint_again(linear_rip());
        state_.limit_next_block(1);
        abandon_block();
    }
}

// The library lets everybody use all ports (Intel SDM vol. 1, 18.5).
void UnicornEngine::check_port_access(std::uint32_t port, unsigned bytes, std::uintptr_t host_pc) {
    constexpr unsigned kIoplShift = 12;
    const auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    const bool is_protected = (state_.hflags() & hflag::kProtected) != 0;
    const bool virtual_8086 = (eflags & cpu::rflags::kVm) != 0;
    if (!is_protected || (!virtual_8086 && cpl() <= ((eflags >> kIoplShift) & 3))) {
        return;
    }
    constexpr std::size_t kTr = env_offset::kSegments + 7 * env_offset::kSegmentBytes;
    constexpr std::uint64_t kMapBaseField = 0x66;
    const auto tss = state_.env<std::uint64_t>(kTr + 8);
    const auto limit = state_.env<std::uint32_t>(kTr + 16);
    const auto word_at = [&](std::uint64_t offset) -> std::optional<std::uint16_t> {
        std::array<std::byte, 2> bytes_there{};
        if (offset + 1 > limit || fetch(tss + offset, bytes_there) != bytes_there.size()) {
            return std::nullopt;
        }
        return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes_there[0]) |
                                          std::to_integer<unsigned>(bytes_there[1]) << 8);
    };
    const std::optional<std::uint16_t> base = word_at(kMapBaseField);
    const std::optional<std::uint16_t> map = base ? word_at(*base + port / 8) : std::nullopt;
    const unsigned mask = ((1U << bytes) - 1) << (port % 8);
    if (!map || (*map & mask) != 0) {
        raise_exception_err_ra_x86_64(state_.env_pointer(), kGeneralProtection, 0, host_pc);
    }
}

std::uint32_t UnicornEngine::port_in(std::uint32_t port, unsigned bytes, std::uintptr_t host_pc) {
    check_port_access(port, bytes, host_pc);
    isolate_instruction(host_pc);
    --instructions_;
    const std::uint32_t value = host_.port_in(static_cast<std::uint16_t>(port), bytes);
    ++instructions_;
    return value;
}

void UnicornEngine::port_out(std::uint32_t port, unsigned bytes, std::uint32_t value,
                             std::uintptr_t host_pc) {
    check_port_access(port, bytes, host_pc);
    isolate_instruction(host_pc);
    --instructions_;
    host_.port_out(static_cast<std::uint16_t>(port), bytes, value);
    ++instructions_;
}

// A walk of page tables in device memory has no instruction of its own: it gets no exact count, and
// nothing is restarted.
std::uint64_t UnicornEngine::device_read(std::uint64_t pa, unsigned bytes) {
    const std::uintptr_t host_pc = state_.take_device_access_pc();
    if (host_pc == 0) {
        return host_.device_read(GuestPa{pa}, bytes);
    }
    isolate_instruction(host_pc);
    --instructions_;
    const std::uint64_t value = host_.device_read(GuestPa{pa}, bytes);
    ++instructions_;
    return value;
}

void UnicornEngine::device_write(std::uint64_t pa, unsigned bytes, std::uint64_t value) {
    const std::uintptr_t host_pc = state_.take_device_access_pc();
    if (host_pc == 0) {
        host_.device_write(GuestPa{pa}, bytes, value);
        return;
    }
    isolate_instruction(host_pc);
    --instructions_;
    host_.device_write(GuestPa{pa}, bytes, value);
    ++instructions_;
}

void UnicornEngine::read_time_stamp(std::uintptr_t host_pc) {
    constexpr std::uint64_t kCr4Tsd = 1U << 2;
    if ((state_.env<std::uint64_t>(env_offset::kCr + 32) & kCr4Tsd) != 0 && cpl() != 0) {
        raise_exception_err_ra_x86_64(state_.env_pointer(), kGeneralProtection, 0, host_pc);
    }
    const std::uint64_t after = instructions_;
    instructions_ = count_before(host_pc);
    const std::uint64_t tsc = host_.time_stamp_counter();
    instructions_ = after;
    set_gpr(cpu::Gpr::Rax, tsc & 0xffff'ffff);
    set_gpr(cpu::Gpr::Rdx, tsc >> 32);
}

void UnicornEngine::read_time_stamp_and_aux(std::uintptr_t host_pc) {
    read_time_stamp(host_pc);
    uc_x86_msr aux{0xc000'0103, 0};  // IA32_TSC_AUX
    uc_reg_read(uc_, UC_X86_REG_MSR, &aux);
    set_gpr(cpu::Gpr::Rcx, aux.value & 0xffff'ffff);
}

bool UnicornEngine::read_msr(std::uintptr_t host_pc) {
    const auto index = static_cast<std::uint32_t>(gpr(cpu::Gpr::Rcx));
    const MsrOwner owner = msr_owner(index);  // CPL 0: the translation checked it.
    if (owner == MsrOwner::Engine) {
        return true;
    }
    const std::uint64_t after = instructions_;
    instructions_ = count_before(host_pc);
    if (owner == MsrOwner::Nobody) {
        instructions_ = after;
        raise_exception_err_ra_x86_64(state_.env_pointer(), kGeneralProtection, 0, host_pc);
    }
    const std::uint64_t value = host_.read_msr(index);
    instructions_ = after;
    set_gpr(cpu::Gpr::Rax, value & 0xffff'ffff);
    set_gpr(cpu::Gpr::Rdx, value >> 32);
    return false;
}

bool UnicornEngine::write_msr(std::uintptr_t host_pc) {
    const auto index = static_cast<std::uint32_t>(gpr(cpu::Gpr::Rcx));
    const std::uint64_t value = (gpr(cpu::Gpr::Rdx) << 32) | (gpr(cpu::Gpr::Rax) & 0xffff'ffff);
    const MsrOwner owner = msr_owner(index);  // CPL 0: the translation checked it.
    if (owner == MsrOwner::Engine) {
        check_msr(index, value, host_pc);
        return true;
    }
    const std::uint64_t after = instructions_;
    instructions_ = count_before(host_pc);
    const bool taken = owner == MsrOwner::Machine && host_.write_msr(index, value);
    instructions_ = after;
    if (!taken) {
        raise_exception_err_ra_x86_64(state_.env_pointer(), kGeneralProtection, 0, host_pc);
    }
    return false;
}

void UnicornEngine::cpuid() {
    const auto leaf = static_cast<std::uint32_t>(gpr(cpu::Gpr::Rax));
    const auto subleaf = static_cast<std::uint32_t>(gpr(cpu::Gpr::Rcx));
    CpuidAnswer answer;
    cpu_x86_cpuid_x86_64(state_.env_pointer(), leaf, subleaf, &answer.eax, &answer.ebx, &answer.ecx,
                         &answer.edx);
    answer = guest_cpuid(leaf, subleaf, answer, topology_);
    set_gpr(cpu::Gpr::Rax, answer.eax);
    set_gpr(cpu::Gpr::Rbx, answer.ebx);
    set_gpr(cpu::Gpr::Rcx, answer.ecx);
    set_gpr(cpu::Gpr::Rdx, answer.edx);
}

std::uint64_t UnicornEngine::random() {
    // The translation takes the flags from cc_src: CF alone, "a value was there".
    state_.set_env<std::uint64_t>(env_offset::kCcDst + 8, cpu::rflags::kCf);
    return host_.random();
}

}  // namespace trapgate::emu
