// SPDX-License-Identifier: GPL-2.0-only
// Registers: the public API where it does what hardware would, the fields themselves elsewhere.
#include <array>

#include "base/check.hpp"
#include "emu/engine/active_scope.hpp"
#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"
#include "emu/msrs.hpp"

namespace trapgate::emu {
namespace {

enum SegmentSlot : std::size_t { kEs, kCs, kSs, kDs, kFs, kGs, kLdtr, kTr, kGdtr, kIdtr };

constexpr std::uint32_t kMsrEfer = 0xc000'0080;
constexpr std::uint32_t kMsrKernelGsBase = 0xc000'0102;
constexpr std::uint32_t kDescriptorLong = 1U << 21;
// The library keeps the descriptor's whole high dword, bits of the base included.
constexpr std::uint32_t kAttributeBits = 0x00ff'ff00;

std::size_t segment_offset(SegmentSlot slot) {
    return env_offset::kSegments + slot * env_offset::kSegmentBytes;
}

cpu::Segment read_segment(const UnicornState& state, SegmentSlot slot) {
    const std::size_t at = segment_offset(slot);
    return {static_cast<std::uint16_t>(state.env<std::uint32_t>(at)),
            state.env<std::uint64_t>(at + 8), state.env<std::uint32_t>(at + 16),
            state.env<std::uint32_t>(at + 20) & kAttributeBits};
}

void write_segment(UnicornState& state, SegmentSlot slot, const cpu::Segment& segment) {
    const std::size_t at = segment_offset(slot);
    state.set_env<std::uint32_t>(at, segment.selector);
    state.set_env<std::uint64_t>(at + 8, segment.base);
    state.set_env<std::uint32_t>(at + 16, segment.limit);
    state.set_env<std::uint32_t>(at + 20, segment.attributes);
}

cpu::TableRegister read_table(const UnicornState& state, SegmentSlot slot) {
    const cpu::Segment raw = read_segment(state, slot);
    return {raw.base, static_cast<std::uint16_t>(raw.limit)};
}

std::uint64_t msr_value(uc_engine* uc, std::uint32_t index) {
    uc_x86_msr msr{index, 0};
    uc_reg_read(uc, UC_X86_REG_MSR, &msr);
    return msr.value;
}

void set_msr_value(uc_engine* uc, std::uint32_t index, std::uint64_t value) {
    const uc_x86_msr msr{index, value};
    uc_reg_write(uc, UC_X86_REG_MSR, &msr);
}

std::uint64_t read_cr(const UnicornState& state, std::size_t index) {
    return state.env<std::uint64_t>(env_offset::kCr + 8 * index);
}

}  // namespace

cpu::RegisterFile UnicornEngine::registers() const {
    cpu::RegisterFile file;
    for (std::size_t i = 0; i < file.gpr.size(); ++i) {
        file.gpr[i] = gpr(static_cast<cpu::Gpr>(i));
    }
    file.rip = state_.eip();
    file.rflags = rflags();
    file.es = read_segment(state_, kEs);
    file.cs = read_segment(state_, kCs);
    file.ss = read_segment(state_, kSs);
    file.ds = read_segment(state_, kDs);
    file.fs = read_segment(state_, kFs);
    file.gs = read_segment(state_, kGs);
    file.ldtr = read_segment(state_, kLdtr);
    file.tr = read_segment(state_, kTr);
    file.gdtr = read_table(state_, kGdtr);
    file.idtr = read_table(state_, kIdtr);
    file.cr0 = read_cr(state_, 0);
    file.cr2 = read_cr(state_, 2);
    file.cr3 = read_cr(state_, 3);
    file.cr4 = read_cr(state_, 4);
    file.efer = msr_value(uc_, kMsrEfer);
    file.kernel_gs_base = msr_value(uc_, kMsrKernelGsBase);
    file.cpl = static_cast<std::uint8_t>(cpl());
    return file;
}

void UnicornEngine::set_registers(const cpu::RegisterFile& file) {
    TG_CHECK((file.cs.attributes & kDescriptorLong) != 0, "only 64-bit code segments for now");
    set_msr_value(uc_, kMsrEfer, file.efer);
    uc_reg_write(uc_, UC_X86_REG_CR3, &file.cr3);
    uc_reg_write(uc_, UC_X86_REG_CR4, &file.cr4);
    uc_reg_write(uc_, UC_X86_REG_CR0, &file.cr0);
    state_.set_env<std::uint64_t>(env_offset::kCr + 24, file.cr3);  // The API keeps 32 bits at
                                                                    // first.
    state_.set_env<std::uint64_t>(env_offset::kCr + 16, file.cr2);
    set_msr_value(uc_, kMsrKernelGsBase, file.kernel_gs_base);
    for (std::size_t i = 0; i < file.gpr.size(); ++i) {
        set_gpr(static_cast<cpu::Gpr>(i), file.gpr[i]);
    }
    write_segment(state_, kEs, file.es);
    write_segment(state_, kCs, file.cs);
    write_segment(state_, kSs, file.ss);
    write_segment(state_, kDs, file.ds);
    write_segment(state_, kFs, file.fs);
    write_segment(state_, kGs, file.gs);
    write_segment(state_, kLdtr, file.ldtr);
    write_segment(state_, kTr, file.tr);
    write_segment(state_, kGdtr, {0, file.gdtr.base, file.gdtr.limit, 0});
    write_segment(state_, kIdtr, {0, file.idtr.base, file.idtr.limit, 0});
    set_rflags(file.rflags);
    state_.set_eip(file.rip);
    constexpr std::uint32_t kMode = hflag::kCplMask | hflag::kAddSeg | hflag::kInhibitIrq;
    state_.set_hflags((state_.hflags() & ~kMode) | file.cpl | hflag::kCs64 | hflag::kCs32 |
                      hflag::kSs32);
    flush_tlb();
}

void UnicornEngine::start_up(std::uint8_t vector) {
    constexpr std::uint32_t kRealCode = 0x9b00;
    constexpr std::uint32_t kRealData = 0x9300;
    constexpr std::uint32_t kLdtType = 0x8200;
    constexpr std::uint32_t kTssType = 0x8b00;
    constexpr std::uint64_t kCr0AtReset = 0x6000'0010;  // CD, NW, ET
    constexpr std::uint64_t kPagingAndProtection = 0x8000'0001;
    const std::uint64_t zero = 0;
    const ActiveScope scope(*this);
    // The library's own way out of long mode begins in it.
    state_.set_env<std::uint64_t>(env_offset::kCr, read_cr(state_, 0) | kPagingAndProtection);
    uc_reg_write(uc_, UC_X86_REG_CR0, &kCr0AtReset);
    uc_reg_write(uc_, UC_X86_REG_CR4, &zero);
    set_msr_value(uc_, kMsrEfer, 0);
    state_.set_env<std::uint64_t>(env_offset::kCr + 16, 0);
    state_.set_env<std::uint64_t>(env_offset::kCr + 24, 0);
    for (std::size_t i = 0; i < cpu::kGprCount; ++i) {
        set_gpr(static_cast<cpu::Gpr>(i), 0);
    }
    set_gpr(cpu::Gpr::Rdx, 0x306c4);  // the CPU's signature, as after a reset
    for (const SegmentSlot slot : {kEs, kSs, kDs, kFs, kGs}) {
        write_segment(state_, slot, {0, 0, 0xffff, kRealData});
    }
    const auto page = static_cast<std::uint16_t>(vector << 8);
    write_segment(state_, kCs, {page, std::uint64_t{page} << 4, 0xffff, kRealCode});
    write_segment(state_, kLdtr, {0, 0, 0xffff, kLdtType});
    write_segment(state_, kTr, {0, 0, 0xffff, kTssType});
    write_segment(state_, kGdtr, {0, 0, 0xffff, 0});
    write_segment(state_, kIdtr, {0, 0, 0xffff, 0});
    set_rflags(cpu::rflags::kFixed);
    state_.set_eip(0);
    constexpr std::uint32_t kLongMode = hflag::kCplMask | hflag::kInhibitIrq | hflag::kCs32 |
                                        hflag::kSs32 | hflag::kProtected | hflag::kLma |
                                        hflag::kCs64;
    state_.set_hflags((state_.hflags() & ~kLongMode) | hflag::kAddSeg);
    flush_tlb();
}

std::uint64_t UnicornEngine::gpr(cpu::Gpr index) const {
    return state_.env<std::uint64_t>(env_offset::kRegs + 8 * static_cast<std::size_t>(index));
}

void UnicornEngine::set_gpr(cpu::Gpr index, std::uint64_t value) {
    state_.set_env<std::uint64_t>(env_offset::kRegs + 8 * static_cast<std::size_t>(index), value);
}

std::uint64_t UnicornEngine::rflags() const {
    std::uint64_t value = 0;
    uc_reg_read(uc_, UC_X86_REG_RFLAGS, &value);
    return value;
}

void UnicornEngine::set_rflags(std::uint64_t value) {
    uc_reg_write(uc_, UC_X86_REG_RFLAGS, &value);
}

std::uint64_t UnicornEngine::cr3() const { return read_cr(state_, 3); }

std::uint64_t UnicornEngine::msr(std::uint32_t index) const {
    TG_CHECK(msr_owner(index) == MsrOwner::Engine, "an MSR that the CPU itself does not have");
    return msr_value(uc_, index);
}

void UnicornEngine::set_msr(std::uint32_t index, std::uint64_t value) {
    TG_CHECK(msr_owner(index) == MsrOwner::Engine, "an MSR that the CPU itself does not have");
    set_msr_value(uc_, index, value);
}

CoreState UnicornEngine::save_core() const {
    CoreState core;
    core.gpr = state_.env<decltype(core.gpr)>(env_offset::kRegs);
    core.rip = state_.eip();
    core.eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    core.lazy_operands = state_.env<decltype(core.lazy_operands)>(env_offset::kCcDst);
    core.lazy_operation = state_.env<std::uint32_t>(env_offset::kCcOp);
    core.direction = state_.env<std::int32_t>(env_offset::kDf);
    core.hflags = state_.hflags();
    core.hflags2 = state_.env<std::uint32_t>(env_offset::kHflags2);
    return core;
}

void UnicornEngine::restore_core(const CoreState& core) {
    state_.set_env(env_offset::kRegs, core.gpr);
    state_.set_eip(core.rip);
    state_.set_env(env_offset::kEflags, core.eflags);
    state_.set_env(env_offset::kCcDst, core.lazy_operands);
    state_.set_env(env_offset::kCcOp, core.lazy_operation);
    state_.set_env(env_offset::kDf, core.direction);
    state_.set_hflags(core.hflags);
    state_.set_env(env_offset::kHflags2, core.hflags2);
}

// SYSCALL in 64-bit mode (Intel SDM vol. 2). The instruction ends its block, so the new mode holds
// from the next one on.
void UnicornEngine::enter_system_call(int instruction_bytes, std::uintptr_t host_pc) {
    constexpr std::uint32_t kMsrStar = 0xc000'0081;
    constexpr std::uint32_t kMsrLstar = 0xc000'0082;
    constexpr std::uint32_t kMsrCstar = 0xc000'0083;
    constexpr std::uint32_t kMsrFmask = 0xc000'0084;
    constexpr std::uint64_t kEferSce = 1;
    constexpr std::uint32_t kCode64 = 0x00a0'9b00;
    constexpr std::uint32_t kData = 0x00c0'9300;
    cpu_restore_state_x86_64(state_.cpu_state(), host_pc, false);
    if ((msr_value(uc_, kMsrEfer) & kEferSce) == 0) {
        raise_exception_err_ra_x86_64(state_.env_pointer(),
                                      static_cast<int>(cpu::Vector::InvalidOpcode), 0, host_pc);
    }
    const auto selector = static_cast<std::uint16_t>((msr_value(uc_, kMsrStar) >> 32) & 0xfffc);
    const std::uint64_t flags = rflags();
    set_gpr(cpu::Gpr::Rcx, state_.eip() + static_cast<std::uint64_t>(instruction_bytes));
    set_gpr(cpu::Gpr::R11, flags & ~cpu::rflags::kRf);
    set_rflags((flags & ~msr_value(uc_, kMsrFmask) & ~cpu::rflags::kRf) | cpu::rflags::kFixed);
    write_segment(state_, kCs, {selector, 0, 0xffff'ffff, kCode64});
    write_segment(state_, kSs, {static_cast<std::uint16_t>(selector + 8), 0, 0xffff'ffff, kData});
    const bool from_64_bit = (state_.hflags() & hflag::kCs64) != 0;
    state_.set_hflags((state_.hflags() & ~(hflag::kCplMask | hflag::kAddSeg)) | hflag::kCs64 |
                      hflag::kCs32 | hflag::kSs32);
    state_.set_eip(msr_value(uc_, from_64_bit ? kMsrLstar : kMsrCstar));
}

// SYSENTER (Intel SDM vol. 2): from any privilege level, to 64-bit code in long mode.
void UnicornEngine::enter_by_sysenter(std::uintptr_t host_pc) {
    constexpr std::uint32_t kMsrCs = 0x174, kMsrEsp = 0x175, kMsrEip = 0x176;
    constexpr std::uint32_t kCode64 = 0x00af'9b00, kCode32 = 0x00cf'9b00, kData = 0x00cf'9300;
    cpu_restore_state_x86_64(state_.cpu_state(), host_pc, false);
    const auto selector = static_cast<std::uint16_t>(msr_value(uc_, kMsrCs) & 0xfffc);
    if (selector == 0) {
        refuse(host_pc);
    }
    const bool long_mode = (state_.hflags() & hflag::kLma) != 0;
    const std::uint64_t kept = long_mode ? ~0ULL : 0xffff'ffff;
    set_rflags(rflags() & ~(cpu::rflags::kIf | cpu::rflags::kVm | cpu::rflags::kRf));
    write_segment(state_, kCs, {selector, 0, 0xffff'ffff, long_mode ? kCode64 : kCode32});
    write_segment(state_, kSs, {static_cast<std::uint16_t>(selector + 8), 0, 0xffff'ffff, kData});
    constexpr std::uint32_t kMode = hflag::kCplMask | hflag::kAddSeg | hflag::kCs64;
    state_.set_hflags((state_.hflags() & ~kMode) | hflag::kCs32 | hflag::kSs32 |
                      (long_mode ? hflag::kCs64 : hflag::kAddSeg));
    set_gpr(cpu::Gpr::Rsp, msr_value(uc_, kMsrEsp) & kept);
    state_.set_eip(msr_value(uc_, kMsrEip) & kept);
}

void UnicornEngine::enter_detour(GuestVa rip, GuestVa rsp) {
    using namespace cpu::rflags;
    const auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
    state_.set_env<std::uint64_t>(env_offset::kEflags, eflags & ~(kIf | kTf | kNt | kRf | kAc));
    state_.set_env<std::int32_t>(env_offset::kDf, 1);
    constexpr std::uint32_t kCleared = hflag::kCplMask | hflag::kInhibitIrq | hflag::kAddSeg;
    state_.set_hflags((state_.hflags() & ~kCleared) | hflag::kCs64 | hflag::kCs32 | hflag::kSs32);
    set_gpr(cpu::Gpr::Rsp, rsp.value);
    state_.set_eip(rip.value);
}

}  // namespace trapgate::emu
