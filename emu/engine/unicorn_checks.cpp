// SPDX-License-Identifier: GPL-2.0-only
// What instructions refuse that the library lets through: values of system registers, and returns
// to where no code can be. Called by the replaced helpers (interpose_system.cpp) before they change
// anything.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "cpu/decode.hpp"
#include "cpu/insn_length.hpp"
#include "cpu/memory_reads.hpp"
#include "cpu/register_rules.hpp"
#include "emu/engine/cpuid.hpp"
#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kMsrEfer = 0xc000'0080;

}  // namespace

void UnicornEngine::refuse(std::uintptr_t host_pc, std::uint32_t error_code) {
    raise_exception_err_ra_x86_64(state_.env_pointer(),
                                  static_cast<int>(cpu::Vector::GeneralProtection),
                                  static_cast<int>(error_code), host_pc);
}

const cpu::SystemState& UnicornEngine::system_state() {
    constexpr std::uint32_t kAddressSizes = 0x8000'0008;
    if (system_.cr4_bits == 0) {
        const auto leaf = [&](std::uint32_t index) {
            CpuidAnswer answer;
            cpu_x86_cpuid_x86_64(state_.env_pointer(), index, 0, &answer.eax, &answer.ebx,
                                 &answer.ecx, &answer.edx);
            return guest_cpuid(index, 0, answer, topology_);
        };
        const CpuidAnswer leaf1 = leaf(1);
        const CpuidAnswer leaf7 = leaf(7);
        system_.cr4_bits = cpu::cr4_bits_of(leaf1.ecx, leaf1.edx, leaf7.ebx, leaf7.ecx);
        system_.physical_bits = leaf(kAddressSizes).eax & 0xff;
    }
    uc_x86_msr efer{kMsrEfer, 0};
    uc_reg_read(uc_, UC_X86_REG_MSR, &efer);
    system_.efer = efer.value;
    system_.cr0 = state_.env<std::uint64_t>(env_offset::kCr);
    system_.cr4 = state_.env<std::uint64_t>(env_offset::kCr + 32);
    system_.code_64 = (state_.hflags() & hflag::kCs64) != 0;
    return system_;
}

void UnicornEngine::check_msr(std::uint32_t index, std::uint64_t value, std::uintptr_t host_pc) {
    // The host's own writes come this way too, but not from a translation.
    if (!cpu::msr_takes(index, value, system_state()) &&
        cpu_restore_state_x86_64(state_.cpu_state(), host_pc, false)) {
        refuse(host_pc);
    }
}

bool UnicornEngine::write_control_register(int index, std::uint64_t& value,
                                           std::uintptr_t host_pc) {
    const cpu::SystemState& now = system_state();
    const bool taken = index == 0   ? cpu::cr0_takes(value, now)
                       : index == 3 ? cpu::cr3_takes(value, now)
                       : index == 4 ? cpu::cr4_takes(value, now)
                                    : cpu::cr8_takes(value);
    if (!taken) {
        refuse(host_pc);
    }
    if (index == 0) {
        value &= cpu::kCr0Bits;
    }
    if (index != 8) {
        return true;
    }
    isolate_instruction(host_pc);
    --instructions_;
    host_.set_task_priority(static_cast<std::uint8_t>(value));
    ++instructions_;
    return false;
}

std::uint64_t UnicornEngine::task_priority(std::uintptr_t host_pc) {
    isolate_instruction(host_pc);
    --instructions_;
    const std::uint64_t value = host_.task_priority();
    ++instructions_;
    return value;
}

void UnicornEngine::check_xcr(std::uint32_t index, std::uint64_t value, std::uintptr_t host_pc) {
    if (!cpu::xcr_takes(index, value)) {
        refuse(host_pc);
    }
}

void UnicornEngine::check_system_return(int operand_size, std::uintptr_t host_pc) {
    constexpr int k64Bit = 2;
    const bool may = cpl() == 0 && (system_state().efer & 1) != 0;  // Otherwise the library faults.
    if (may && operand_size == k64Bit && !cpu::canonical(gpr(cpu::Gpr::Rcx))) {
        refuse(host_pc);
    }
}

void UnicornEngine::check_sysexit(int operand_size, std::uintptr_t host_pc) {
    constexpr int k64Bit = 2;
    const bool canonical = cpu::canonical(gpr(cpu::Gpr::Rcx)) && cpu::canonical(gpr(cpu::Gpr::Rdx));
    if (cpl() == 0 && operand_size == k64Bit && !canonical) {
        refuse(host_pc);
    }
}

void UnicornEngine::returned_from_system_call() {
    const auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    state_.set_env(env_offset::kEflags, eflags & ~(cpu::rflags::kRf | cpu::rflags::kVm));
}

void UnicornEngine::check_far_return(int shift, unsigned skipped, std::uintptr_t host_pc) {
    constexpr std::uint64_t kCodeSegment = 0x1800'0000'0000, kLong = 1ULL << 53, kBig = 1ULL << 54;
    constexpr std::size_t kSs = env_offset::kSegments + 2 * env_offset::kSegmentBytes;
    constexpr std::size_t kGdtr = env_offset::kSegments + 8 * env_offset::kSegmentBytes;
    constexpr std::size_t kLdtr = env_offset::kSegments + 6 * env_offset::kSegmentBytes;
    if ((state_.hflags() & hflag::kLma) == 0) {
        return;
    }
    const bool wide = code_size() == cpu::CodeSize::Bits64;
    const std::uint64_t stack = wide ? gpr(cpu::Gpr::Rsp)
                                     : state_.env<std::uint64_t>(kSs + 8) +
                                           (gpr(cpu::Gpr::Rsp) & 0xffff'ffff);
    const unsigned bytes = 2U << shift;
    // What is not mapped is left to the library to fault at.
    const auto number_at = [&](std::uint64_t at, unsigned size) -> std::optional<std::uint64_t> {
        std::array<std::byte, 8> raw{};
        if (fetch(at, std::span(raw).first(size)) != size) {
            return std::nullopt;
        }
        std::uint64_t value = 0;
        std::memcpy(&value, raw.data(), sizeof(value));
        return value;
    };
    if (const auto rip = number_at(stack, bytes); rip && !cpu::canonical(*rip)) {
        refuse(host_pc);
    }
    const bool interrupt = skipped == kInterruptReturn;
    const unsigned behind_flags = interrupt ? 4 * bytes : 3 * bytes + skipped;
    if (const auto ss = number_at(stack + behind_flags, 2)) {
        returning_ss_ = static_cast<std::uint16_t>(*ss);
    }
    const std::uint64_t cs = number_at(stack + bytes, 2).value_or(0);
    const bool local = (cs & 4) != 0;
    const auto table = state_.env<std::uint64_t>((local ? kLdtr : kGdtr) + 8);
    const auto limit = state_.env<std::uint32_t>((local ? kLdtr : kGdtr) + 16);
    const std::uint64_t offset = cs & ~7ULL;
    const auto descriptor = offset + 7 <= limit ? number_at(table + offset, 8) : std::nullopt;
    if (descriptor && (*descriptor & kCodeSegment) == kCodeSegment && (*descriptor & kLong) != 0 &&
        (*descriptor & kBig) != 0) {
        refuse(host_pc, static_cast<std::uint32_t>(cs & ~3ULL));
    }
}

void UnicornEngine::correct_fault(std::uint8_t vector) {
    constexpr auto kNotPresent = static_cast<std::uint8_t>(cpu::Vector::SegmentNotPresent);
    constexpr auto kProtection = static_cast<std::uint8_t>(cpu::Vector::GeneralProtection);
    const std::optional<std::uint16_t> returning = std::exchange(returning_ss_, std::nullopt);
    const auto raise = [this](cpu::Vector instead, std::int32_t error_code) {
        state_.forget_old_exception();
        raise_exception_err_ra_x86_64(state_.env_pointer(), static_cast<int>(instead), error_code,
                                      0);
    };
    const std::int32_t error_code = state_.error_code();
    if (vector == kNotPresent && returning && error_code == (*returning & ~3)) {
        raise(cpu::Vector::StackFault, error_code);
    }
    const std::uint64_t address = std::exchange(fill_va_, 0);
    if (vector != kProtection || error_code != 0 || cpu::canonical(address)) {
        return;
    }
    constexpr int kFetch = 2;
    if (fill_access_ != kFetch) {
        if (delivery_ || through_stack(address)) {
            raise(cpu::Vector::StackFault, 0);
        }
    } else if (address == linear_rip() && take_jump_back()) {
        raise(cpu::Vector::GeneralProtection, 0);
    }
}

bool UnicornEngine::through_stack(std::uint64_t address) const {
    std::array<std::byte, cpu::kMaxInsnBytes> code{};
    const std::size_t got = fetch(linear_rip(), code);
    const cpu::RegisterFile file = registers();
    return cpu::through_stack_segment(std::span<const std::byte>(code).first(got),
                                      GuestVa{state_.eip()}, {file.gpr, file.fs.base, file.gs.base},
                                      GuestVa{address});
}

bool UnicornEngine::take_jump_back() {
    if (block_->bytes == 0 || code_size() != cpu::CodeSize::Bits64) {
        return false;
    }
    std::array<std::byte, 8192> buffer;
    const std::size_t got = fetch(block_->pc, std::span(buffer).first(block_->bytes));
    BlockPlace place;
    std::size_t last = 0;
    cpu::InsnShape shape;
    for (std::size_t at = 0; at < got; at += std::max<std::size_t>(shape.length, 1)) {
        place.instructions += at != 0 ? 1 : 0;
        place.transfers += at != 0 && shape.transfer ? 1 : 0;
        last = at;
        shape = cpu::insn_shape(std::span<const std::byte>(buffer).subspan(at, got - at));
    }
    const std::optional<cpu::NearTransfer> jump = cpu::near_transfer(
        std::span<const std::byte>(buffer).subspan(last, got - last));
    if (!jump) {
        return false;
    }
    set_gpr(cpu::Gpr::Rsp, gpr(cpu::Gpr::Rsp) - jump->rsp_added);
    set_gpr(cpu::Gpr::Rcx, gpr(cpu::Gpr::Rcx) + jump->rcx_taken);
    set_linear_rip(block_->pc + last);
    take_back_behind(place);
    return true;
}

}  // namespace trapgate::emu
