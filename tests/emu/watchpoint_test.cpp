// SPDX-License-Identifier: GPL-2.0-only
// Data watchpoints: which accesses they notice, where the machine then stands, and that nothing
// else changes.
#include <cstring>

#include <gtest/gtest.h>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;

constexpr GuestVa kData = kBareDirectMap + 0x9'0000;
const Bytes kNop{0x90};

/// Code with RSI (and RDI) at kData.
class WatchGuest : public BareGuest {
public:
    explicit WatchGuest(const Bytes& code) : BareGuest(code) {
        machine->cpu().set_gpr(Gpr::Rsi, kData.value);
        machine->cpu().set_gpr(Gpr::Rdi, kData.value);
        cpu::RegisterFile registers = machine->cpu().registers();
        registers.cr4 |= 0x600;  // OSFXSR, OSXMMEXCPT
        machine->cpu().set_registers(registers);
    }
    WatchId watch(GuestVa va, std::uint64_t bytes, WatchKind kind) {
        return machine->add_watchpoint(va, bytes, kind).value();
    }
};

/// One instruction between others of its block, and an access that it makes.
struct Access {
    const char* name;
    Bytes code;
    GuestVa first;
    std::uint64_t bytes;
    bool reads, writes;
};

const std::vector<Access>& accesses() {
    static const std::vector<Access> kAccesses{
        {"mov [rsi], al", {0x88, 0x06}, kData, 1, false, true},
        {"mov [rsi], rax", {0x48, 0x89, 0x06}, kData, 8, false, true},
        {"mov rax, [rsi]", {0x48, 0x8b, 0x06}, kData, 8, true, false},
        {"mov [rsi+3], eax", {0x89, 0x46, 0x03}, kData + 3, 4, false, true},
        {"mov eax, [rsi+3]", {0x8b, 0x46, 0x03}, kData + 3, 4, true, false},
        {"mov ax, [rsi+7]", {0x66, 0x8b, 0x46, 0x07}, kData + 7, 2, true, false},
        {"mov rax, [rsi-5] (two pages)", {0x48, 0x8b, 0x46, 0xfb}, kData - 5, 8, true, false},
        {"mov [rsi-5], rax (two pages)", {0x48, 0x89, 0x46, 0xfb}, kData - 5, 8, false, true},
        {"inc dword [rsi+2]", {0xff, 0x46, 0x02}, kData + 2, 4, true, true},
        {"lock inc qword [rsi]", {0xf0, 0x48, 0xff, 0x06}, kData, 8, true, true},
        {"lock inc qword [rsi-3] (two pages)",
         {0xf0, 0x48, 0xff, 0x46, 0xfd},
         kData - 3,
         8,
         true,
         true},
        {"lock xadd [rsi], eax", {0xf0, 0x0f, 0xc1, 0x06}, kData, 4, true, true},
        {"xchg [rsi], rax", {0x48, 0x87, 0x06}, kData, 8, true, true},
        {"lock cmpxchg [rsi], rbx", {0xf0, 0x48, 0x0f, 0xb1, 0x1e}, kData, 8, true, true},
        {"cmp [rsi], al", {0x38, 0x06}, kData, 1, true, false},
        {"bts [rsi], 9", {0x48, 0x0f, 0xba, 0x2e, 9}, kData, 8, true, true},
        {"movups xmm0, [rsi+1]", {0x0f, 0x10, 0x46, 0x01}, kData + 1, 16, true, false},
        {"movaps [rsi], xmm0", {0x0f, 0x29, 0x06}, kData, 16, false, true},
        {"fxsave [rsi]", {0x0f, 0xae, 0x06}, kData, 4, false, true},
        {"fstp tbyte [rsi]", {0xdb, 0x3e}, kData, 10, false, true},
        {"push rax", {0x50}, BareGuest::kStack - 8, 8, false, true},
        {"pop rax", {0x58}, BareGuest::kStack, 8, true, false},
        {"push qword [rsi]", {0xff, 0x36}, kData, 8, true, false},
        {"pop qword [rsi]", {0x8f, 0x06}, kData, 8, false, true},
        {"call +0", {0xe8, 0, 0, 0, 0}, BareGuest::kStack - 8, 8, false, true},
        {"enter 16, 0", {0xc8, 16, 0, 0}, BareGuest::kStack - 8, 8, false, true},
        {"movsq", {0x48, 0xa5}, kData, 8, true, true},
        {"stosd", {0xab}, kData, 4, false, true},
        {"lodsb", {0xac}, kData, 1, true, false},
        {"scasw", {0x66, 0xaf}, kData, 2, true, false},
        {"gs mov eax, [rsi]", {0x65, 0x8b, 0x06}, kData + 0x40, 4, true, false},
    };
    return kAccesses;
}

Bytes program(const Access& access) {
    return code_of({kNop, kNop, access.code, kNop, kNop, kExit});
}

class AccessGuest : public WatchGuest {
public:
    explicit AccessGuest(const Access& access) : WatchGuest(program(access)) {
        cpu::RegisterFile registers = machine->cpu().registers();
        registers.gs.base = 0x40;
        machine->cpu().set_registers(registers);
    }
};

TEST(Watchpoint, StopsBehindEveryKindOfAccess) {
    for (const Access& access : accesses()) {
        SCOPED_TRACE(access.name);
        for (const WatchKind kind : {WatchKind::Read, WatchKind::Write, WatchKind::Access}) {
            const bool noticed = (access.reads && kind != WatchKind::Write) ||
                                 (access.writes && kind != WatchKind::Read);
            for (std::uint64_t at = 0; at < access.bytes; ++at) {
                AccessGuest guest(access);
                guest.watch(access.first + at, 1, kind);
                const StopEvent stop = guest.run();
                ASSERT_EQ(stop.reason == StopReason::Watchpoint, noticed) << at;
                if (noticed) {
                    EXPECT_EQ(stop.watch.address, access.first + at);
                    EXPECT_EQ(stop.watch.kind, kind);
                    EXPECT_EQ(stop.rip, BareGuest::kCode + 2 + access.code.size());
                    EXPECT_EQ(guest.machine->counters().instructions, 3U);
                }
            }
        }
    }
}

TEST(Watchpoint, PassesOverTheBytesBesideAnAccess) {
    for (const Access& access : accesses()) {
        SCOPED_TRACE(access.name);
        AccessGuest guest(access);
        guest.watch(access.first - 1, 1, WatchKind::Access);
        const bool goes_on = access.code == Bytes{0x0f, 0xae, 0x06};  // fxsave
        guest.watch(access.first + (goes_on ? 512 : access.bytes), 1, WatchKind::Access);
        EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    }
}

TEST(Watchpoint, ChangesNoCountAndNoRegister) {
    for (const Access& access : accesses()) {
        SCOPED_TRACE(access.name);
        AccessGuest plain(access);
        AccessGuest watched(access);
        watched.watch(access.first, 8, WatchKind::Access);
        EXPECT_EQ(plain.run().reason, StopReason::GuestExit);
        StopEvent stop = watched.run();
        for (int i = 0; i < 4 && stop.reason == StopReason::Watchpoint; ++i) {
            stop = watched.run();
        }
        EXPECT_EQ(stop.reason, StopReason::GuestExit);
        EXPECT_EQ(plain.machine->cpu().registers(), watched.machine->cpu().registers());
        EXPECT_EQ(plain.machine->now(), watched.machine->now());
        EXPECT_EQ(plain.machine->counters().instructions, watched.machine->counters().instructions);
    }
}

TEST(Watchpoint, StopsBehindEachIterationOfARepeatedStore) {
    // mov ecx, 5; rep stosb
    WatchGuest guest(code_of({{0xb9, 5, 0, 0, 0}, {0xf3, 0xaa}, kExit}));
    guest.watch(kData + 2, 2, WatchKind::Write);
    StopEvent stop = guest.run();
    EXPECT_EQ(stop.reason, StopReason::Watchpoint);
    EXPECT_EQ(stop.watch.address, kData + 2);
    EXPECT_EQ(stop.rip, BareGuest::kCode + 5);
    EXPECT_EQ(guest.gpr(Gpr::Rcx), 2U);
    EXPECT_EQ(guest.machine->counters().instructions, 1U);
    stop = guest.run();
    EXPECT_EQ(stop.watch.address, kData + 3);
    EXPECT_EQ(guest.gpr(Gpr::Rcx), 1U);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.machine->counters().instructions, 4U);
}

TEST(Watchpoint, StopsInFrontOfTheHandlerWhoseFrameIsPushedThere) {
    BareGuest guest({0x90, 0x0f, 0x0b});  // nop; ud2
    const GuestVa handler = guest.set_handler(6, kExit);
    const WatchId id = guest.machine->add_watchpoint(BareGuest::kStack - 24, 1, WatchKind::Write)
                           .value();
    const StopEvent stop = guest.run();
    EXPECT_EQ(stop.reason, StopReason::Watchpoint);
    EXPECT_EQ(stop.watch.address, BareGuest::kStack - 24);  // RFLAGS
    EXPECT_EQ(stop.rip, handler);
    EXPECT_EQ(guest.machine->counters().instructions, 1U);
    guest.machine->remove_watchpoint(id);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.machine->counters().exceptions[6], 1U);
}

TEST(Watchpoint, AnInstructionThatFaultsMakesItsAccessLater) {
    // movsq to where nothing is mapped; the handler: add rsp, 8; mov rdi, rsi; iretq.
    WatchGuest guest(code_of({{0x48, 0xa5}, kExit}));
    guest.machine->cpu().set_gpr(Gpr::Rdi, 0x2000);
    guest.set_handler(14, {0x48, 0x83, 0xc4, 0x08, 0x48, 0x89, 0xf7, 0x48, 0xcf});
    guest.watch(kData, 8, WatchKind::Read);
    const StopEvent stop = guest.run();
    EXPECT_EQ(stop.reason, StopReason::Watchpoint);
    EXPECT_EQ(guest.machine->counters().exceptions[14], 1U);
    EXPECT_EQ(stop.rip, BareGuest::kCode + 2);
    EXPECT_EQ(guest.machine->counters().instructions, 4U);
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
}

TEST(Watchpoint, CanBeRemoved) {
    const Bytes loop{0x88, 0x06, 0xeb, 0xfc};  // mov [rsi], al; jmp
    WatchGuest guest(loop);
    const WatchId id = guest.watch(kData, 1, WatchKind::Write);
    const WatchId other = guest.watch(kData + 64, 1, WatchKind::Write);
    EXPECT_EQ(guest.run(1000).reason, StopReason::Watchpoint);
    guest.machine->remove_watchpoint(id);
    guest.machine->remove_watchpoint(id);
    EXPECT_EQ(guest.run(1000).reason, StopReason::InsnLimit);
    guest.machine->remove_watchpoint(other);
    EXPECT_EQ(guest.run(2000).reason, StopReason::InsnLimit);
}

TEST(Watchpoint, RefusesEmptyAndWrappingRanges) {
    BareGuest guest({0xf4});
    EXPECT_EQ(guest.machine->add_watchpoint(kData, 0, WatchKind::Read).error().linux_errno, EINVAL);
    EXPECT_FALSE(guest.machine->add_watchpoint(GuestVa{~0ULL}, 2, WatchKind::Read));
    EXPECT_TRUE(guest.machine->add_watchpoint(GuestVa{~0ULL}, 1, WatchKind::Read));
}

TEST(Watchpoint, TheHostsOwnAccessesAreNotNoticed) {
    WatchGuest guest({0x90, 0xf4});
    guest.watch(kData, 8, WatchKind::Access);
    guest.put(kData, {1, 2, 3});
    EXPECT_EQ(guest.run().reason, StopReason::Dead);
}

}  // namespace
}  // namespace trapgate::emu
