// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/displaced.hpp"

#include <cerrno>
#include <cstring>

#include "base/check.hpp"

namespace trapgate::kernel {
namespace {

using cpu::BranchKind;
using cpu::DecodedInsn;

constexpr std::uint8_t kInt3 = 0xcc;
constexpr std::uint8_t kJmpRel32 = 0xe9;
constexpr std::uint8_t kPushImm32 = 0x68;

bool fits_int32(std::int64_t value) { return value == static_cast<std::int32_t>(value); }

void append_int32(std::vector<std::uint8_t>& code, std::int32_t value) {
    std::uint8_t bytes[4];
    std::memcpy(bytes, &value, sizeof bytes);
    code.insert(code.end(), std::begin(bytes), std::end(bytes));
}

tl::unexpected<Error> too_far() {
    return fail("the probe window is more than 2 GiB from the probed instruction");
}

/// Appends `jmp target` behind what `code` holds so far.
Result<void> append_jump(std::vector<std::uint8_t>& code, GuestVa slot, GuestVa target) {
    constexpr std::uint64_t kJmpBytes = 5;
    const GuestVa next = slot + code.size() + kJmpBytes;
    const auto distance = static_cast<std::int64_t>(target - next);
    if (!fits_int32(distance)) {
        return too_far();
    }
    code.push_back(kJmpRel32);
    append_int32(code, static_cast<std::int32_t>(distance));
    return {};
}

/// A call of `at` done from elsewhere: push the return address that the original would push, then
/// jump. The immediate is sign-extended, so every address in the top 2 GiB can be pushed.
Result<SlotCode> make_call_code(const DecodedInsn& insn, GuestVa at, GuestVa slot) {
    const auto return_address = static_cast<std::int64_t>((at + insn.length).value);
    if (!fits_int32(return_address)) {
        return too_far();
    }
    SlotCode out;
    out.bytes.push_back(kPushImm32);
    append_int32(out.bytes, static_cast<std::int32_t>(return_address));
    if (insn.relative_branch) {
        if (Result<void> jump = append_jump(out.bytes, slot, insn.branch_target(at)); !jump) {
            return tl::unexpected(jump.error());
        }
        return out;
    }
    constexpr std::uint8_t kRsp = 4;
    if (insn.modrm_mod() != 3 || insn.rm_register() == kRsp) {
        return fail_errno(EOPNOTSUPP, "a call through memory or RSP cannot run out of line");
    }
    if (insn.rex != 0) {
        out.bytes.push_back(insn.rex);
    }
    constexpr std::uint8_t kGroup5 = 0xff;
    constexpr std::uint8_t kJumpNear = 0xe0;  // mod 3, reg 4
    out.bytes.push_back(kGroup5);
    out.bytes.push_back(static_cast<std::uint8_t>(kJumpNear | (*insn.modrm & 7)));
    return out;
}

/// Moves the displacement along, so that the operand stays where it is.
Result<void> fix_rip_relative(const DecodedInsn& insn, GuestVa at, GuestVa slot,
                              std::vector<std::uint8_t>& code) {
    const auto displacement = static_cast<std::int64_t>(insn.rip_operand(at) -
                                                        (slot + insn.length));
    if (!fits_int32(displacement)) {
        return too_far();
    }
    const auto value = static_cast<std::int32_t>(displacement);
    std::memcpy(code.data() + insn.rip_relative->offset, &value, sizeof value);
    return {};
}

/// Condition code `code` of Jcc (Intel SDM vol. 1, appendix B.1) against RFLAGS.
bool condition_holds(unsigned code, std::uint64_t flags) {
    using namespace cpu::rflags;
    const bool zf = (flags & kZf) != 0;
    const bool cf = (flags & kCf) != 0;
    const bool less = ((flags & kSf) != 0) != ((flags & kOf) != 0);
    bool holds = false;
    switch (code >> 1) {
        case 0: holds = (flags & kOf) != 0; break;
        case 1: holds = cf; break;
        case 2: holds = zf; break;
        case 3: holds = cf || zf; break;
        case 4: holds = (flags & kSf) != 0; break;
        case 5: holds = (flags & kPf) != 0; break;
        case 6: holds = less; break;
        default: holds = zf || less; break;
    }
    return holds != ((code & 1) != 0);
}

/// LOOPNE (E0), LOOPE (E1), LOOP (E2) and JRCXZ (E3): counts and says whether it branches.
bool step_loop(emu::Cpu& cpu, const DecodedInsn& insn) {
    const std::uint64_t mask = insn.address_bits == 64 ? ~0ULL : 0xffff'ffffULL;
    std::uint64_t count = cpu.gpr(cpu::Gpr::Rcx) & mask;
    if (insn.opcode == 0xe3) {
        return count == 0;
    }
    count = (count - 1) & mask;
    cpu.set_gpr(cpu::Gpr::Rcx, count);  // a 32-bit count clears the upper half, as any 32-bit
                                        // result
    const bool zf = (cpu.rflags() & cpu::rflags::kZf) != 0;
    const bool wanted = insn.opcode == 0xe2 || zf == (insn.opcode == 0xe1);
    return count != 0 && wanted;
}

bool push(emu::Machine& machine, std::uint64_t value) {
    emu::Cpu& cpu = machine.cpu();
    const GuestVa sp = GuestVa{cpu.gpr(cpu::Gpr::Rsp)} - sizeof value;
    if (!machine.write(sp, std::as_bytes(std::span(&value, 1)))) {
        return false;
    }
    cpu.set_gpr(cpu::Gpr::Rsp, sp.value);
    return true;
}

/// Guest memory as it is: a return address that a return probe has replaced must be found replaced.
bool read_raw(emu::Machine& machine, GuestVa va, std::span<std::byte> to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        const std::optional<GuestPa> pa = machine.translate(va + i);
        const auto byte = pa ? machine.memory().read<std::byte>(*pa) : std::nullopt;
        if (!byte) {
            return false;
        }
        to[i] = *byte;
    }
    return true;
}

std::optional<std::uint64_t> pop(emu::Machine& machine, std::uint64_t extra_bytes) {
    emu::Cpu& cpu = machine.cpu();
    const GuestVa sp{cpu.gpr(cpu::Gpr::Rsp)};
    std::uint64_t value = 0;
    if (!read_raw(machine, sp, std::as_writable_bytes(std::span(&value, 1)))) {
        return std::nullopt;
    }
    cpu.set_gpr(cpu::Gpr::Rsp, (sp + sizeof value + extra_bytes).value);
    return value;
}

/// PUSHF and POPF at CPL 0 (Intel SDM vol. 2): RF and VM are never pushed; RF is cleared and VM,
/// VIF, VIP stay on POPF.
bool emulate_flags(emu::Machine& machine, std::uint8_t opcode) {
    using namespace cpu::rflags;
    constexpr std::uint64_t kIopl = 3U << 12;
    constexpr std::uint64_t kId = 1U << 21;
    constexpr std::uint64_t kPopped = kCf | kPf | kAf | kZf | kSf | kTf | kIf | kDf | kOf | kIopl |
                                      kNt | kAc | kId;
    emu::Cpu& cpu = machine.cpu();
    const std::uint64_t flags = cpu.rflags();
    switch (opcode) {
        case 0x9c: return push(machine, flags & ~(kRf | kVm));
        case 0x9d: {
            const std::optional<std::uint64_t> popped = pop(machine, 0);
            if (popped) {
                cpu.set_rflags((*popped & kPopped) | (flags & ~(kPopped | kRf)));
            }
            return popped.has_value();
        }
        case 0xfa: cpu.set_rflags(flags & ~kIf); return true;
        default:
            cpu.set_rflags(flags | kIf);
            if ((flags & kIf) == 0) {
                cpu.set_interrupt_shadow();
            }
            return true;
    }
}

bool emulate_call(emu::Machine& machine, GuestVa return_address, GuestVa target) {
    if (!push(machine, return_address.value)) {
        return false;
    }
    machine.cpu().set_rip(target);
    return true;
}

/// Address of the operand in ModRM (Intel SDM vol. 2, 2.1.5 and 2.2.1).
GuestVa memory_operand(const emu::Cpu& cpu, const DecodedInsn& insn, GuestVa at) {
    constexpr std::uint8_t kSib = 4;
    constexpr std::uint8_t kNoBase = 5;
    if (insn.rip_relative) {
        return insn.rip_operand(at);
    }
    const auto reg = [&](unsigned low, unsigned rex_bit) {
        const unsigned high = (insn.rex >> rex_bit & 1U) << 3;
        return cpu.gpr(static_cast<cpu::Gpr>(low | high));
    };
    std::size_t next = insn.prefix_count + (insn.rex != 0 ? 1U : 0U) + 2U;  // behind ModRM
    const unsigned mod = insn.modrm_mod();
    const unsigned rm = insn.modrm.value_or(0) & 7U;
    std::uint64_t address = 0;
    bool has_base = true;
    if (rm == kSib) {
        const unsigned sib = insn.bytes.at(next++);
        const unsigned index = (sib >> 3) & 7U;
        if (index != kSib || (insn.rex & 2U) != 0) {
            address = reg(index, 1) << (sib >> 6);
        }
        has_base = (sib & 7U) != kNoBase || mod != 0;
        address += has_base ? reg(sib & 7U, 0) : 0;
    } else {
        address = reg(rm, 0);
    }
    if (mod == 1) {
        address += static_cast<std::uint64_t>(
            std::int64_t{static_cast<std::int8_t>(insn.bytes.at(next))});
    } else if (mod == 2 || !has_base) {
        std::int32_t displacement = 0;
        std::memcpy(&displacement, insn.bytes.data() + next, sizeof displacement);
        address += static_cast<std::uint64_t>(std::int64_t{displacement});
    }
    if (insn.address_bits == 32) {
        address &= 0xffff'ffffU;
    }
    constexpr std::uint8_t kFs = 0x64;
    constexpr std::uint8_t kGs = 0x65;
    for (const std::uint8_t prefix : insn.prefixes()) {
        if (prefix == kFs || prefix == kGs) {
            const cpu::RegisterFile registers = cpu.registers();
            address += prefix == kFs ? registers.fs.base : registers.gs.base;
        }
    }
    return GuestVa{address};
}

/// CALL (reg 2) or JMP (reg 4) through memory.
bool emulate_memory_branch(emu::Machine& machine, const DecodedInsn& insn, GuestVa at) {
    constexpr unsigned kCall = 2;
    std::uint64_t target = 0;
    if (!read_raw(machine, memory_operand(machine.cpu(), insn, at),
                  std::as_writable_bytes(std::span(&target, 1)))) {
        return false;
    }
    if (insn.modrm_reg() == kCall) {
        return emulate_call(machine, at + insn.length, GuestVa{target});
    }
    machine.cpu().set_rip(GuestVa{target});
    return true;
}

GuestVa register_target(const emu::Cpu& cpu, const DecodedInsn& insn) {
    return {cpu.gpr(static_cast<cpu::Gpr>(insn.rm_register()))};
}

}  // namespace

bool is_memory_branch(const DecodedInsn& insn) {
    constexpr std::uint8_t kGroup5 = 0xff;
    const bool branch = insn.modrm_reg() == 2 || insn.modrm_reg() == 4;
    return insn.map == cpu::OpcodeMap::OneByte && !insn.vector_encoding && insn.opcode == kGroup5 &&
           branch && insn.modrm_mod() != 3 && insn.operand_bits == 64;
}

bool can_emulate(const DecodedInsn& insn, const InsnClass& insn_class) {
    if (is_memory_branch(insn)) {
        return true;
    }
    return insn_class.emulation != Emulation::None && !insn.vector_encoding && !insn.far &&
           insn.operand_bits != 16;
}

bool may_need_slot(const DecodedInsn& insn) { return insn.reads_memory || insn.writes_memory; }

bool emulate(emu::Machine& machine, const DecodedInsn& insn, GuestVa at) {
    emu::Cpu& cpu = machine.cpu();
    const GuestVa next = at + insn.length;
    if (is_memory_branch(insn)) {
        return emulate_memory_branch(machine, insn, at);
    }
    switch (classify(insn).emulation) {
        case Emulation::FlagsAccess:
            if (!emulate_flags(machine, insn.opcode)) {
                return false;
            }
            cpu.set_rip(next);
            return true;
        case Emulation::Return: {
            const std::uint64_t argument_bytes = insn.opcode == 0xc2 ? insn.immediate & 0xffff : 0;
            const std::optional<std::uint64_t> target = pop(machine, argument_bytes);
            if (target) {
                cpu.set_rip({*target});
            }
            return target.has_value();
        }
        case Emulation::Call: return emulate_call(machine, next, insn.branch_target(at));
        case Emulation::CallRegister:
            return emulate_call(machine, next, register_target(cpu, insn));
        case Emulation::JumpRegister: cpu.set_rip(register_target(cpu, insn)); return true;
        case Emulation::Jump: cpu.set_rip(insn.branch_target(at)); return true;
        case Emulation::Conditional:
            cpu.set_rip(condition_holds(insn.opcode & 0xf, cpu.rflags()) ? insn.branch_target(at)
                                                                         : next);
            return true;
        case Emulation::Loop:
            cpu.set_rip(step_loop(cpu, insn) ? insn.branch_target(at) : next);
            return true;
        case Emulation::None: break;
    }
    TG_CHECK(false, "instruction has no emulation");
    return false;
}

Result<SlotCode> make_slot_code(const DecodedInsn& insn, GuestVa at, GuestVa slot,
                                DisplacedForm form) {
    TG_CHECK(form != DisplacedForm::Emulated, "an emulated instruction needs no trailer");
    if (insn.branch == BranchKind::Call && !is_memory_branch(insn)) {
        return make_call_code(insn, at, slot);
    }
    if (insn.relative_branch || insn.branch == BranchKind::SystemCall) {
        return fail_errno(EOPNOTSUPP, "the instruction depends on its own address");
    }
    SlotCode out;
    out.bytes.assign(insn.bytes.begin(), insn.bytes.begin() + insn.length);
    if (insn.rip_relative) {
        if (Result<void> fixed = fix_rip_relative(insn, at, slot, out.bytes); !fixed) {
            return tl::unexpected(fixed.error());
        }
    }
    if (is_memory_branch(insn)) {
        return out;  // Only for the fault that keeps it from being emulated.
    }
    if (form == DisplacedForm::Stepped) {
        out.trap_offset = insn.length;
        out.bytes.push_back(kInt3);
        return out;
    }
    if (Result<void> jump = append_jump(out.bytes, slot, at + insn.length); !jump) {
        return tl::unexpected(jump.error());
    }
    return out;
}

}  // namespace trapgate::kernel
