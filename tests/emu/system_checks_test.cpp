// SPDX-License-Identifier: GPL-2.0-only
// Values that system registers refuse: MSRs (Intel SDM vol. 4), control registers (vol. 3, 2.5;
// vol. 2, MOV to control registers), XCR0.
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kLowestBad = 0x0000'8000'0000'0000;
constexpr std::uint64_t kHighestBad = 0xffff'7fff'ffff'ffff;
constexpr std::uint64_t kHighestLow = 0x0000'7fff'ffff'ffff;
constexpr std::uint64_t kLowestHigh = 0xffff'8000'0000'0000;

constexpr std::uint32_t kApicBaseMsr = 0x1b, kMiscEnable = 0x1a0, kPat = 0x277;
constexpr std::uint32_t kEfer = 0xc000'0080, kTscAux = 0xc000'0103;

template <class T>
Bytes little_endian(T value) {
    Bytes bytes(sizeof(value));
    std::memcpy(bytes.data(), &value, sizeof(value));
    return bytes;
}
Bytes mov_rax(std::uint64_t value) { return code_of({{0x48, 0xb8}, little_endian(value)}); }
/// R12 := RAX
const Bytes kKeepRax{0x49, 0x89, 0xc4};

enum class Register : std::uint8_t { Msr, Cr, Xcr };

/// A register and a value for it.
struct Write {
    const char* name;
    Register kind;
    std::uint32_t index;
    std::uint64_t value;
};
std::ostream& operator<<(std::ostream& to, const Write& write) { return to << write.name; }
std::string name_of(const testing::TestParamInfo<Write>& write) { return write.param.name; }

/// What prepares the write, and the instruction itself.
std::pair<Bytes, Bytes> code_for(const Write& write) {
    const auto high = static_cast<std::uint32_t>(write.value >> 32);
    const Bytes halves = code_of({{0xb9},
                                  little_endian(write.index),
                                  {0xb8},
                                  little_endian(static_cast<std::uint32_t>(write.value)),
                                  {0xba},
                                  little_endian(high)});
    const auto index = static_cast<std::uint8_t>(write.index);
    const auto modrm = static_cast<std::uint8_t>(0xc0 | ((index & 7) << 3));
    switch (write.kind) {
        case Register::Msr: return {halves, {0x0f, 0x30}};
        case Register::Xcr: return {halves, {0x0f, 0x01, 0xd1}};
        case Register::Cr: break;
    }
    return {mov_rax(write.value),
            index == 8 ? Bytes{0x44, 0x0f, 0x22, modrm} : Bytes{0x0f, 0x22, modrm}};
}
/// Reads the register into RAX (CR) or EDX:EAX.
Bytes read_back(const Write& write) {
    const auto index = static_cast<std::uint8_t>(write.index);
    const auto modrm = static_cast<std::uint8_t>(0xc0 | ((index & 7) << 3));
    const Bytes combine{0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0};  // shl rdx, 32; or rax, rdx
    switch (write.kind) {
        case Register::Msr: return code_of({{0x0f, 0x32}, combine});
        case Register::Xcr: return code_of({{0x0f, 0x01, 0xd0}, combine});
        case Register::Cr: break;
    }
    return index == 8 ? Bytes{0x44, 0x0f, 0x20, modrm} : Bytes{0x0f, 0x20, modrm};
}

constexpr std::uint64_t kCr0 = 0x8001'0033;  // PG WP NE ET MP PE
constexpr std::uint64_t kCr4 = 0x620;        // OSXMMEXCPT OSFXSR PAE

class Refused : public testing::TestWithParam<Write> {};

TEST_P(Refused, IsAGeneralProtectionFaultInFrontOfTheInstruction) {
    const auto [prepare, instruction] = code_for(GetParam());
    ModeGuest guest(Mode::Kernel, code_of({prepare, instruction, kExit}));
    guest.change([](cpu::RegisterFile& registers) { registers.cr4 |= 1U << 18; });  // OSXSAVE
    const cpu::RegisterFile before = guest.machine->cpu().registers();
    guest.handle(13);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    ASSERT_EQ(guest.counted(13), 1U);
    EXPECT_EQ(guest.frame(true).error_code, 0U);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + prepare.size()).value);
    const cpu::RegisterFile after = guest.machine->cpu().registers();
    EXPECT_EQ(after.cr0, before.cr0);
    EXPECT_EQ(after.cr3, before.cr3);
    EXPECT_EQ(after.cr4, before.cr4);
    EXPECT_EQ(after.efer, before.efer);
    EXPECT_EQ(after.fs.base, before.fs.base);
}

TEST_P(Refused, IsRefusedToUsersWhateverItIs) {
    const auto [prepare, instruction] = code_for(GetParam());
    ModeGuest guest(Mode::User, code_of({prepare, instruction}));
    guest.change([](cpu::RegisterFile& registers) { registers.cr4 |= 1U << 18; });
    guest.handle(13);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.frame(true).rip, (BareGuest::kCode + prepare.size()).value);
}

INSTANTIATE_TEST_SUITE_P(
    Msrs, Refused,
    testing::Values(Write{"LstarLow", Register::Msr, 0xc000'0082, kLowestBad},
                    Write{"LstarHigh", Register::Msr, 0xc000'0082, kHighestBad},
                    Write{"Cstar", Register::Msr, 0xc000'0083, kLowestBad},
                    Write{"FsBaseLow", Register::Msr, 0xc000'0100, kLowestBad},
                    Write{"FsBaseHigh", Register::Msr, 0xc000'0100, kHighestBad},
                    Write{"GsBase", Register::Msr, 0xc000'0101, kLowestBad},
                    Write{"KernelGsBase", Register::Msr, 0xc000'0102, kHighestBad},
                    Write{"SysenterEsp", Register::Msr, 0x175, kLowestBad},
                    Write{"SysenterEip", Register::Msr, 0x176, kLowestBad},
                    Write{"TscAux", Register::Msr, kTscAux, 1ULL << 32},
                    Write{"EferBit1", Register::Msr, kEfer, 0xd03},
                    Write{"EferSvm", Register::Msr, kEfer, 0x1d01},
                    Write{"EferHigh", Register::Msr, kEfer, 0x1'0000'0d01},
                    Write{"EferLongModeOffWhilePaging", Register::Msr, kEfer, 0xc01},
                    Write{"PatType2", Register::Msr, kPat, 0x0007'0406'0007'0206},
                    Write{"PatType3", Register::Msr, kPat, 0x0307'0406'0007'0406},
                    Write{"PatType8", Register::Msr, kPat, 0x0807'0406'0007'0406},
                    Write{"ApicBaseBit9", Register::Msr, kApicBaseMsr, 0xfee0'0b00},
                    Write{"ApicBaseX2", Register::Msr, kApicBaseMsr, 0xfee0'0d00},
                    Write{"ApicBaseLowBits", Register::Msr, kApicBaseMsr, 0xfee0'0901},
                    Write{"ApicBaseTooHigh", Register::Msr, kApicBaseMsr, 0x100'fee0'0900},
                    Write{"MiscEnableBit1", Register::Msr, kMiscEnable, 2},
                    Write{"MiscEnableHigh", Register::Msr, kMiscEnable, 1ULL << 63},
                    Write{"MtrrDefaultType", Register::Msr, 0x2ff, 0xc02},
                    Write{"MtrrDefaultReserved", Register::Msr, 0x2ff, 0x1c06},
                    Write{"MtrrBaseType", Register::Msr, 0x200, 0x1000'0003},
                    Write{"MtrrBaseTooHigh", Register::Msr, 0x200, 0x100'0000'0006},
                    Write{"MtrrMaskLowBits", Register::Msr, 0x201, 0xff'f000'0c00},
                    Write{"MtrrFixed", Register::Msr, 0x250, 0x0606'0606'0606'0602},
                    Write{"MtrrCapabilities", Register::Msr, 0xfe, 0},
                    Write{"MachineCheckCapabilities", Register::Msr, 0x179, 0},
                    Write{"PerformanceStatus", Register::Msr, 0x198, 0}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    ControlRegisters, Refused,
    testing::Values(Write{"PagingWithoutProtection", Register::Cr, 0, kCr0 & ~1ULL},
                    Write{"NotWriteThroughWithoutCacheDisable", Register::Cr, 0, kCr0 | 1U << 29},
                    Write{"Cr0High", Register::Cr, 0, kCr0 | 1ULL << 32},
                    Write{"PagingOffIn64BitCode", Register::Cr, 0, kCr0 & 0x7fff'ffff},
                    Write{"ProtectionOffIn64BitCode", Register::Cr, 0, 0x10},
                    Write{"Cr3TooHigh", Register::Cr, 3, 0x100'0000'2000},
                    Write{"Cr3Bit63WithoutPcids", Register::Cr, 3, 0x8000'0000'0000'2000},
                    Write{"PhysicalAddressExtensionOff", Register::Cr, 4, kCr4 & ~0x20ULL},
                    Write{"Virtual8086Extensions", Register::Cr, 4, kCr4 | 1},
                    Write{"Umip", Register::Cr, 4, kCr4 | 1U << 11},
                    Write{"FiveLevels", Register::Cr, 4, kCr4 | 1U << 12},
                    Write{"Vmx", Register::Cr, 4, kCr4 | 1U << 13},
                    Write{"Smx", Register::Cr, 4, kCr4 | 1U << 14},
                    Write{"Cr4Bit15", Register::Cr, 4, kCr4 | 1U << 15},
                    Write{"Pcids", Register::Cr, 4, kCr4 | 1U << 17},
                    Write{"Cr4Bit19", Register::Cr, 4, kCr4 | 1U << 19},
                    Write{"Smap", Register::Cr, 4, kCr4 | 1U << 21},
                    Write{"ProtectionKeys", Register::Cr, 4, kCr4 | 1U << 22},
                    Write{"Cr4Bit31", Register::Cr, 4, kCr4 | 1U << 31},
                    Write{"Cr4High", Register::Cr, 4, kCr4 | 1ULL << 40},
                    Write{"TaskPriority16", Register::Cr, 8, 16},
                    Write{"TaskPriorityHigh", Register::Cr, 8, 1ULL << 63},
                    Write{"Xcr0WithoutX87", Register::Xcr, 0, 2},
                    Write{"Xcr0WithAvx", Register::Xcr, 0, 7},
                    Write{"Xcr0High", Register::Xcr, 0, 0x1'0000'0003},
                    Write{"Xcr1", Register::Xcr, 1, 3}),
    name_of);

class Taken : public testing::TestWithParam<Write> {};

TEST_P(Taken, ReadsBack) {
    const auto [prepare, instruction] = code_for(GetParam());
    ModeGuest guest(Mode::Kernel,
                    code_of({prepare, instruction, read_back(GetParam()), kKeepRax, kExit}));
    guest.change([](cpu::RegisterFile& registers) { registers.cr4 |= 1U << 18; });
    guest.handle(13);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.counted(13), 0U);
    EXPECT_EQ(guest.gpr(Gpr::R12), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Values, Taken,
    testing::Values(Write{"LstarLow", Register::Msr, 0xc000'0082, kHighestLow},
                    Write{"LstarHigh", Register::Msr, 0xc000'0082, kLowestHigh},
                    Write{"FsBase", Register::Msr, 0xc000'0100, kHighestLow},
                    Write{"GsBase", Register::Msr, 0xc000'0101, kLowestHigh},
                    Write{"KernelGsBase", Register::Msr, 0xc000'0102, kLowestHigh},
                    Write{"SysenterEip", Register::Msr, 0x176, kLowestHigh},
                    Write{"TscAux", Register::Msr, kTscAux, 0xffff'ffff},
                    Write{"Efer", Register::Msr, kEfer, 0xd01},
                    Write{"Pat", Register::Msr, kPat, 0x0007'0406'0107'0506},
                    Write{"MiscEnable", Register::Msr, kMiscEnable, 1},
                    Write{"MtrrDefault", Register::Msr, 0x2ff, 0xc06},
                    Write{"MtrrBase", Register::Msr, 0x200, 0x1000'0006},
                    Write{"MtrrMask", Register::Msr, 0x201, 0xff'f000'0800},
                    Write{"ApicBase", Register::Msr, kApicBaseMsr, 0xfee0'0900},
                    Write{"Cr0", Register::Cr, 0, kCr0},
                    Write{"CachesOff", Register::Cr, 0, kCr0 | 3U << 29},
                    Write{"Cr3", Register::Cr, 3, 0x2018}, Write{"Cr4", Register::Cr, 4, 0x507fc},
                    Write{"TaskPriority", Register::Cr, 8, 15}, Write{"Xcr0", Register::Xcr, 0, 3}),
    name_of);

TEST(ControlRegisters, ThatDoNotExistAreInvalidOpcodes) {
    for (const unsigned index : {1U, 5U, 6U, 7U}) {
        const auto modrm = static_cast<std::uint8_t>(0xc0 | (index << 3));
        for (const Bytes& mov : {Bytes{0x0f, 0x20, modrm}, Bytes{0x0f, 0x22, modrm}}) {
            ModeGuest guest(Mode::Kernel, code_of({mov, kExit}));
            guest.handle(6);
            EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
            EXPECT_EQ(guest.counted(6), 1U) << index;
        }
    }
}

TEST(ControlRegisters, Cr0KeepsNoReservedBit) {
    ModeGuest guest(
        Mode::Kernel,
        code_of(
            {mov_rax(kCr0 | 0x1ffa'ffc0), {0x0f, 0x22, 0xc0, 0x0f, 0x20, 0xc0}, kKeepRax, kExit}));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R12), kCr0);
}

// CR8 is bits 4-7 of the local APIC's task priority register.
TEST(ControlRegisters, Cr8IsTheTaskPriority) {
    // mov rax, 9; mov cr8, rax; mov eax, [rsi]; mov r12, rax; mov dword [rsi], 0x30; mov r13, cr8
    ModeGuest guest(Mode::Kernel, code_of({mov_rax(9),
                                           {0x44, 0x0f, 0x22, 0xc0, 0x8b, 0x06},
                                           kKeepRax,
                                           {0xc7, 0x06, 0x30, 0, 0, 0, 0x45, 0x0f, 0x20, 0xc5},
                                           kExit}));
    constexpr std::uint64_t kFlags = cpu::pte::kPresent | cpu::pte::kWritable | cpu::pte::kLarge;
    constexpr std::uint64_t kEntry = 0xfee0'0000 | kFlags | cpu::pte::kNoExecute;
    std::memcpy(guest.machine->memory().view(GuestPa{0x4000 + 8 * 301}, 8).data(), &kEntry, 8);
    guest.machine->cpu().set_gpr(Gpr::Rsi, kBareDirectMap.value + (301ULL << 21) + 0x80);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::R12), 0x90U);
    EXPECT_EQ(guest.gpr(Gpr::R13), 3U);
}

}  // namespace
}  // namespace trapgate::emu
