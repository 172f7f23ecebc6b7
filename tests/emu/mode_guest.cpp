// SPDX-License-Identifier: GPL-2.0-only
#include "tests/emu/mode_guest.hpp"

#include <cstring>
#include <span>

#include "cpu/page_walk.hpp"

namespace trapgate::emu {
namespace {

void let_users_in(PhysicalMemory& memory) {
    constexpr std::array kTables{GuestPa{0x2000}, GuestPa{0x3000}, GuestPa{0x4000}};
    for (const GuestPa table : kTables) {
        for (unsigned i = 0; i < cpu::kEntriesPerTable; ++i) {
            const GuestPa at = table + 8ULL * i;
            std::uint64_t value = memory.read<std::uint64_t>(at).value_or(0);
            if (value != 0) {
                value |= cpu::pte::kUser;
                std::memcpy(memory.view(at, 8).data(), &value, 8);
            }
        }
    }
}

}  // namespace

ModeGuest::ModeGuest(Mode mode, const std::vector<std::uint8_t>& code)
    : BareGuest(code), mode_(mode) {
    let_users_in(machine->memory());
    set_descriptor(kUserCode32, 0x00cf'fb00'0000'ffff);
    set_descriptor(kUserData, 0x00cf'f300'0000'ffff);
    set_descriptor(kUserCode, 0x00af'fb00'0000'ffff);
    set_descriptor(kAbsentKernelData, 0x00cf'1300'0000'ffff);
    set_descriptor(kAbsentUserData, 0x00cf'7300'0000'ffff);
    set_descriptor(kKernelCode32, 0x00cf'9b00'0000'ffff);
    const std::uint64_t base = kTss.value;
    set_descriptor(kTssSelector, 0x0000'8b00'0000'0067 | ((base & 0xff'ffff) << 16) |
                                     (((base >> 24) & 0xff) << 56));
    set_descriptor(kTssSelector + 8, base >> 32);
    set_tss_word(4, kRsp0.value);
    for (unsigned ist = 1; ist <= 7; ++ist) {
        set_tss_word(0x24 + 8 * (ist - 1), ist_stack(ist).value);
    }
    const std::uint16_t no_port_map = 0x68;
    EXPECT_TRUE(machine->write(kTss + 0x66, std::as_bytes(std::span(&no_port_map, 1))));
    change([&](cpu::RegisterFile& registers) {
        registers.gdtr = {kGdt.value, 0xff};
        registers.idtr = {kIdt.value, 0xfff};
        registers.tr = {kTssSelector, kTss.value, 0x67, 0x8b00};
        registers.cr0 |= 0x20;   // NE
        registers.cr4 |= 0x600;  // OSFXSR, OSXMMEXCPT
        registers.efer |= 1;     // SCE
        if (mode == Mode::User) {
            registers.cpl = 3;
            registers.cs = {kUserCode, 0, 0xffff'ffff, 0x00a0'fb00};
            registers.ss = {kUserData, 0, 0xffff'ffff, 0x00c0'f300};
        }
    });
}

void ModeGuest::set_descriptor(std::uint16_t selector, std::uint64_t value) {
    EXPECT_TRUE(machine->write(kGdt + (selector & ~7ULL), std::as_bytes(std::span(&value, 1))));
}

void ModeGuest::set_tss_word(unsigned offset, std::uint64_t value) {
    EXPECT_TRUE(machine->write(kTss + offset, std::as_bytes(std::span(&value, 1))));
}

void ModeGuest::change(const std::function<void(cpu::RegisterFile&)>& edit) {
    cpu::RegisterFile registers = machine->cpu().registers();
    edit(registers);
    machine->cpu().set_registers(registers);
}

GuestVa ModeGuest::handle(std::uint8_t vector, const std::vector<std::uint8_t>& code, Gate gate) {
    const GuestVa handler = set_handler(vector, code);
    const GuestVa entry = kIdt + 16ULL * vector;
    auto low = read_value<std::uint64_t>(*machine, entry).value_or(0);
    low &= ~(0xff07ULL << 32);
    low |= std::uint64_t{gate.ist} << 32;
    low |= std::uint64_t{gate.type | (gate.dpl << 5) | (gate.present ? 0x80U : 0U)} << 40;
    EXPECT_TRUE(machine->write(entry, std::as_bytes(std::span(&low, 1))));
    return handler;
}

void ModeGuest::run_kernel_code(const std::vector<std::uint8_t>& code) {
    const cpu::RegisterFile before = machine->cpu().registers();
    const GuestVa at = kHandlers + 0x8000;
    put(at, code);
    change([&](cpu::RegisterFile& registers) {
        registers.cpl = 0;
        registers.cs = {kKernelCode, 0, 0xffff'ffff, 0x00a0'9b00};
        registers.ss = {kKernelData, 0, 0xffff'ffff, 0x00c0'9300};
        registers.rip = at.value;
    });
    EXPECT_EQ(run(~0ULL).reason, StopReason::GuestExit);
    machine->cpu().set_registers(before);
}

Frame ModeGuest::frame(bool with_error_code) const {
    const unsigned first = with_error_code ? 1 : 0;
    return {with_error_code ? stack_word(0) : 0,
            stack_word(first),
            stack_word(first + 1),
            stack_word(first + 2),
            stack_word(first + 3),
            stack_word(first + 4)};
}

std::uint64_t ModeGuest::handler_rsp(bool with_error_code, unsigned ist) const {
    const GuestVa top = ist != 0 ? ist_stack(ist) : mode_ == Mode::User ? kRsp0 : kStack;
    return top.value - (with_error_code ? 48 : 40);
}

}  // namespace trapgate::emu
