// SPDX-License-Identifier: GPL-2.0-only
// Every exception vector from kernel and from user mode: error code, RIP, flags, CR2 and stack.
#include <cstring>
#include <optional>

#include <gtest/gtest.h>

#include "cpu/page_walk.hpp"
#include "tests/emu/mode_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;
using Bytes = std::vector<std::uint8_t>;
using Edit = std::function<void(ModeGuest&)>;

constexpr std::uint64_t kNonCanonical = 0x8000'0000'0000'0000;
constexpr std::uint64_t kCr0Ts = 8;

enum class Kind : std::uint8_t { Fault, Trap };

/// An instruction sequence and the exception it must end in.
struct Case {
    const char* name;
    std::optional<Mode> mode;  ///< Both when empty.
    std::uint8_t vector;
    Bytes code;
    std::uint64_t rip;  ///< Offset of the pushed RIP from the first instruction.
    Kind kind = Kind::Fault;
    std::optional<std::uint64_t> error_code{};
    Edit prepare{};
    std::optional<std::uint64_t> cr2{};
};

void use_nowhere(ModeGuest& guest) {
    guest.machine->cpu().set_gpr(Gpr::Rsi, ModeGuest::kNowhere.value);
}
void use_non_canonical(ModeGuest& guest) { guest.machine->cpu().set_gpr(Gpr::Rsi, kNonCanonical); }
/// A page at kNowhere that shows the code, with these entry bits.
Edit map_page(std::uint64_t bits) {
    return [bits](ModeGuest& guest) {
        PhysicalMemory& memory = guest.machine->memory();
        const auto entry = [&](std::uint64_t at, std::uint64_t value) {
            std::memcpy(memory.view(GuestPa{at}, 8).data(), &value, 8);
        };
        constexpr std::uint64_t kTables = 0x20'0000;
        const GuestVa va = ModeGuest::kNowhere;
        entry(0x2000 + 8ULL * cpu::table_index(va, 4), kTables | 7);
        entry(kTables + 8ULL * cpu::table_index(va, 3), (kTables + 0x1000) | 7);
        entry(kTables + 0x1000 + 8ULL * cpu::table_index(va, 2), (kTables + 0x2000) | 7);
        entry(kTables + 0x2000 + 8ULL * cpu::table_index(va, 1), 0x10000 | bits);
        use_nowhere(guest);
    };
}

constexpr std::uint64_t kNx = 1ULL << 63;
constexpr std::uint64_t kReserved = 1ULL << 45;

const std::vector<Case>& cases() {
    static const std::vector<Case> kCases{
        {"#DE", {}, 0, {0x31, 0xc9, 0xf7, 0xf1}, 2},
        {"#DE by overflow", {}, 0, {0x31, 0xc0, 0xba, 2, 0, 0, 0, 0xb1, 1, 0x48, 0xf7, 0xf1}, 9},
        {"#DB by icebp", {}, 1, {0x90, 0xf1}, 2, Kind::Trap},
        {"#BP", {}, 3, {0x90, 0xcc}, 2, Kind::Trap},
        {"#UD", {}, 6, {0x90, 0x0f, 0x0b}, 1},
        {"#UD by lock", {}, 6, {0xf0, 0x90}, 0},
        {"#UD: INTO is no instruction in 64-bit mode", {}, 6, {0xce}, 0},
        {"#UD: BOUND neither", {}, 6, {0x62, 0x06}, 0},
        {"#NM",
         {},
         7,
         {0x90, 0xd9, 0xd0},
         1,
         Kind::Fault,
         {},
         [](ModeGuest& guest) {
             guest.change([](cpu::RegisterFile& registers) { registers.cr0 |= kCr0Ts; });
         }},
        {"#NM by SSE",
         {},
         7,
         {0x0f, 0x28, 0xc1},
         0,
         Kind::Fault,
         {},
         [](ModeGuest& guest) {
             guest.change([](cpu::RegisterFile& registers) { registers.cr0 |= kCr0Ts; });
         }},
        {"#NP",
         Mode::Kernel,
         11,
         {0xb8, 0x48, 0, 0, 0, 0x8e, 0xd8},
         5,
         Kind::Fault,
         ModeGuest::kAbsentKernelData},
        {"#NP",
         Mode::User,
         11,
         {0xb8, 0x53, 0, 0, 0, 0x8e, 0xd8},
         5,
         Kind::Fault,
         ModeGuest::kAbsentUserData & ~3ULL},
        {"#SS",
         Mode::Kernel,
         12,
         {0xb8, 0x48, 0, 0, 0, 0x8e, 0xd0},
         5,
         Kind::Fault,
         ModeGuest::kAbsentKernelData},
        {"#SS",
         Mode::User,
         12,
         {0xb8, 0x53, 0, 0, 0, 0x8e, 0xd0},
         5,
         Kind::Fault,
         ModeGuest::kAbsentUserData & ~3ULL},
        {"#GP: non-canonical address",
         {},
         13,
         {0x90, 0x8b, 0x06},
         1,
         Kind::Fault,
         0,
         use_non_canonical},
        {"#GP: null code segment", {}, 13, {0x6a, 0, 0x6a, 0, 0x48, 0xcb}, 4, Kind::Fault, 0},
        {"#GP: selector beyond the GDT",
         {},
         13,
         {0xb8, 0x08, 1, 0, 0, 0x8e, 0xd8},
         5,
         Kind::Fault,
         0x108},
        {"#GP: HLT", Mode::User, 13, {0x90, 0xf4}, 1, Kind::Fault, 0},
        {"#GP: CLI", Mode::User, 13, {0xfa}, 0, Kind::Fault, 0},
        {"#GP: IN", Mode::User, 13, {0xe4, 0x80}, 0, Kind::Fault, 0},
        {"#GP: RDMSR", Mode::User, 13, {0x0f, 0x32}, 0, Kind::Fault, 0},
        {"#GP: MOV CR3", Mode::User, 13, {0x0f, 0x20, 0xd8}, 0, Kind::Fault, 0},
        {"#GP: MOV DR7", Mode::User, 13, {0x0f, 0x23, 0xf8}, 0, Kind::Fault, 0},
        {"#GP: LGDT", Mode::User, 13, {0x0f, 0x01, 0x16}, 0, Kind::Fault, 0},
        {"#GP: INT through a gate of the kernel's",
         Mode::User,
         13,
         {0x90, 0xcd, 0x80},
         1,
         Kind::Fault,
         0x80 * 8 + 2,
         [](ModeGuest& guest) { guest.handle(0x80, kExit, {.dpl = 0}); }},
        {"#GP: INT3 through a gate of the kernel's",
         Mode::User,
         13,
         {0xcc},
         0,
         Kind::Fault,
         3 * 8 + 2,
         [](ModeGuest& guest) { guest.handle(3, kExit, {.dpl = 0}); }},
        {"#NP: INT through an absent gate",
         {},
         11,
         {0x90, 0xcd, 0x80},
         1,
         Kind::Fault,
         0x80 * 8 + 2,
         [](ModeGuest& guest) { guest.handle(0x80, kExit, {.present = false}); }},
        {"#GP: INT beyond the IDT",
         {},
         13,
         {0xcd, 0xff},
         0,
         Kind::Fault,
         0xff * 8 + 2,
         [](ModeGuest& guest) {
             guest.change([](cpu::RegisterFile& r) { r.idtr.limit = 0x7ff; });
         }},
        {"#PF: read",
         Mode::Kernel,
         14,
         {0x90, 0x8b, 0x06},
         1,
         Kind::Fault,
         0,
         use_nowhere,
         ModeGuest::kNowhere.value},
        {"#PF: read",
         Mode::User,
         14,
         {0x90, 0x8b, 0x06},
         1,
         Kind::Fault,
         4,
         use_nowhere,
         ModeGuest::kNowhere.value},
        {"#PF: write",
         Mode::Kernel,
         14,
         {0x89, 0x46, 7},
         0,
         Kind::Fault,
         2,
         use_nowhere,
         ModeGuest::kNowhere.value + 7},
        {"#PF: write",
         Mode::User,
         14,
         {0x89, 0x46, 7},
         0,
         Kind::Fault,
         6,
         use_nowhere,
         ModeGuest::kNowhere.value + 7},
        {"#PF: read-only page",
         Mode::Kernel,
         14,
         {0x89, 0x06},
         0,
         Kind::Fault,
         3,
         map_page(5),
         ModeGuest::kNowhere.value},
        {"#PF: read-only page",
         Mode::User,
         14,
         {0x89, 0x06},
         0,
         Kind::Fault,
         7,
         map_page(5),
         ModeGuest::kNowhere.value},
        {"#PF: the kernel's page",
         Mode::User,
         14,
         {0x8b, 0x06},
         0,
         Kind::Fault,
         5,
         map_page(3),
         ModeGuest::kNowhere.value},
        {"#PF: reserved bit",
         Mode::Kernel,
         14,
         {0x8b, 0x06},
         0,
         Kind::Fault,
         9,
         map_page(7 | kReserved),
         ModeGuest::kNowhere.value},
        {"#PF: reserved bit",
         Mode::User,
         14,
         {0x89, 0x06},
         0,
         Kind::Fault,
         15,
         map_page(7 | kReserved),
         ModeGuest::kNowhere.value},
        {"#MF",
         {},
         16,
         {0xdb, 0xe3, 0xd9, 0x2c, 0x24, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b},
         11,
         Kind::Fault,
         {},
         [](ModeGuest& guest) { guest.put(BareGuest::kStack, {0x7b, 0x03}); }},
        {"INT n", {}, 0x80, {0x90, 0xcd, 0x80}, 3, Kind::Trap},
    };
    return kCases;
}

bool pushes_error_code(std::uint8_t vector) {
    constexpr std::uint32_t kWithErrorCode = 0x0002'7d00;  // 8, 10-14, 17
    return vector < 32 && ((kWithErrorCode >> vector) & 1) != 0;
}

void check(const Case& test, Mode mode, unsigned ist) {
    SCOPED_TRACE(std::string(test.name) + (mode == Mode::User ? ", user" : ", kernel") +
                 (ist != 0 ? ", IST" : ""));
    ModeGuest guest(mode, code_of({test.code, {0xeb, 0xfe}}));
    const GuestVa handler = guest.handle(test.vector, {0x90, 0x90}, {.ist = ist});
    guest.put(handler, kExit);
    if (test.prepare) {
        test.prepare(guest);
    }
    guest.change([](cpu::RegisterFile& registers) { registers.rflags |= cpu::rflags::kCf; });
    const StopEvent stop = guest.run();
    ASSERT_EQ(stop.reason, StopReason::GuestExit);
    EXPECT_EQ(stop.rip, handler + kExit.size());
    const bool with_error_code = pushes_error_code(test.vector);
    EXPECT_EQ(with_error_code, test.error_code.has_value());
    const Frame frame = guest.frame(with_error_code);
    EXPECT_EQ(frame.error_code, test.error_code.value_or(0));
    EXPECT_EQ(frame.rip, BareGuest::kCode.value + test.rip);
    const bool user = mode == Mode::User;
    EXPECT_EQ(frame.cs, user ? ModeGuest::kUserCode : ModeGuest::kKernelCode);
    EXPECT_EQ(frame.ss, user ? ModeGuest::kUserData : ModeGuest::kKernelData);
    EXPECT_EQ(frame.rflags & cpu::rflags::kRf, test.kind == Kind::Fault ? cpu::rflags::kRf : 0);
    EXPECT_EQ(frame.rflags & cpu::rflags::kFixed, cpu::rflags::kFixed);
    EXPECT_EQ(guest.gpr(Gpr::Rsp) & 0xf, with_error_code ? 0U : 8U);
    EXPECT_EQ(guest.gpr(Gpr::Rsp) > ModeGuest::kRsp0.value, ist != 0);
    EXPECT_EQ(guest.machine->cpu().cpl(), 0U);
    EXPECT_EQ(guest.machine->cpu().rflags() & (cpu::rflags::kRf | cpu::rflags::kTf), 0U);
    if (test.vector < 32) {
        EXPECT_EQ(guest.counted(test.vector), 1U);
    }
    if (test.cr2) {
        EXPECT_EQ(guest.machine->cpu().registers().cr2, *test.cr2);
    }
}

TEST(Exceptions, AreDeliveredAsTheManualSays) {
    for (const Case& test : cases()) {
        for (const Mode mode : {Mode::Kernel, Mode::User}) {
            if (!test.mode || *test.mode == mode) {
                check(test, mode, 0);
                check(test, mode, 3);
            }
        }
    }
}

/// Where the guest's code stands after `kStop` of a handler.
Frame run_to_exit(ModeGuest& guest, bool with_error_code) {
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    return guest.frame(with_error_code);
}

TEST(Exceptions, AnInvalidTssIsReportedWithItsSelector) {
    // INT3 through a gate whose IST slot lies beyond the TSS.
    ModeGuest guest(Mode::Kernel, {0x90, 0xcc});
    guest.handle(3, kExit, {.ist = 7});
    guest.handle(10);
    guest.change([](cpu::RegisterFile& registers) { registers.tr.limit = 0x2f; });
    const Frame frame = run_to_exit(guest, true);
    EXPECT_EQ(frame.error_code, ModeGuest::kTssSelector);
    EXPECT_EQ(frame.rip, (BareGuest::kCode + 1).value);
}

TEST(Exceptions, OverflowAndBoundExistIn32BitCodeOnly) {
    struct Case32 {
        std::uint8_t vector;
        Bytes code;
        std::uint64_t rip;
    };
    // A far return to 32-bit code in the low 4 GiB: mov al, 0x7f; add al, 1; into / bound eax,
    // [esi]
    for (const Case32& test : {Case32{4, {0xb0, 0x7f, 0x04, 0x01, 0xce}, 5},
                               Case32{5, {0xb8, 9, 0, 0, 0, 0x62, 0x06}, 5}}) {
        ModeGuest guest(Mode::User, {0x6a, 0x23, 0x68, 0, 0x50, 0x34, 0x12, 0x48, 0xcb});
        map_page(7)(guest);  // kNowhere shows kCode's page
        guest.put(BareGuest::kCode + 0x100, {1, 0, 0, 0, 5, 0, 0, 0});
        guest.put(BareGuest::kCode, {0x6a, 0x23, 0x68, 0, 0x58, 0x34, 0x12, 0x48, 0xcb});
        guest.put(BareGuest::kCode + 0x800, test.code);
        guest.machine->cpu().set_gpr(Gpr::Rsi, ModeGuest::kNowhere.value + 0x100);
        guest.handle(test.vector);
        const Frame frame = run_to_exit(guest, false);
        EXPECT_EQ(frame.rip, ModeGuest::kNowhere.value + 0x800 + test.rip);
        EXPECT_EQ(frame.cs, ModeGuest::kUserCode32);
        EXPECT_EQ(guest.counted(test.vector), 1U);
    }
}

TEST(Exceptions, InstructionFetchesFaultWithTheirOwnBit) {
    for (const Mode mode : {Mode::Kernel, Mode::User}) {
        const std::uint64_t user = mode == Mode::User ? 4 : 0;
        for (const auto& [bits, code] : {std::pair<std::uint64_t, std::uint64_t>{0, 0x10},
                                         std::pair<std::uint64_t, std::uint64_t>{7 | kNx, 0x11}}) {
            ModeGuest guest(mode, {0xff, 0xe6});  // jmp rsi
            map_page(bits)(guest);
            guest.handle(14);
            const Frame frame = run_to_exit(guest, true);
            EXPECT_EQ(frame.error_code, code | user);
            EXPECT_EQ(frame.rip, ModeGuest::kNowhere.value);
            EXPECT_EQ(guest.machine->cpu().registers().cr2, ModeGuest::kNowhere.value);
        }
    }
    // SMEP: the kernel may not execute user pages.
    ModeGuest guest(Mode::Kernel, {0xff, 0xe6});
    map_page(7)(guest);
    guest.handle(14);
    // Its own code and handlers lie in user pages too: the fault comes at once.
    guest.change([](cpu::RegisterFile& registers) { registers.cr4 |= 1U << 20; });
    EXPECT_EQ(guest.run().reason, StopReason::TripleFault);
}

TEST(Exceptions, AHandlersFaultNestsOnTheSameStack) {
    for (const Mode mode : {Mode::Kernel, Mode::User}) {
        ModeGuest guest(mode, {0x90, 0x0f, 0x0b});
        const GuestVa outer = guest.handle(6, {0x90, 0x8b, 0x04, 0x25, 0, 0x50, 0x34, 0x12});
        guest.handle(14);
        const Frame frame = run_to_exit(guest, true);
        EXPECT_EQ(frame.rip, (outer + 1).value);
        EXPECT_EQ(frame.cs, ModeGuest::kKernelCode);
        EXPECT_EQ(frame.error_code, 0U);
        EXPECT_EQ(frame.rsp, guest.handler_rsp(false));
    }
}

TEST(Exceptions, ContributoryFaultsOnTheWayBecomeADoubleFault) {
    for (const Mode mode : {Mode::Kernel, Mode::User}) {
        // A page fault whose gate is absent: #NP on the way, so #DF.
        ModeGuest guest(mode, {0x90, 0x8b, 0x06});
        use_nowhere(guest);
        guest.handle(14, kExit, {.present = false});
        guest.handle(11);
        guest.handle(8, kExit, {.ist = 2});
        const Frame frame = run_to_exit(guest, true);
        EXPECT_EQ(frame.error_code, 0U);
        EXPECT_EQ(frame.rip, (BareGuest::kCode + 1).value);
        EXPECT_EQ(guest.gpr(Gpr::Rsp), ModeGuest::ist_stack(2).value - 48);
        EXPECT_EQ(guest.counted(8), 1U);
    }
}

TEST(Exceptions, ABenignFirstFaultLeavesTheSecondItsOwn) {
    // #UD is not contributory: its absent gate is a plain #NP, and EXT says that no INT n did it.
    for (const Mode mode : {Mode::Kernel, Mode::User}) {
        ModeGuest guest(mode, {0x90, 0x0f, 0x0b});
        guest.handle(6, kExit, {.present = false});
        guest.handle(11);
        const Frame frame = run_to_exit(guest, true);
        EXPECT_EQ(frame.error_code, 6U * 8 + 2 + 1);
        EXPECT_EQ(frame.rip, (BareGuest::kCode + 1).value);
    }
}

TEST(Exceptions, AStackThatIsNotThereIsADoubleFaultOnItsOwnStack) {
    // From user mode with RSP0 nowhere: #UD, #PF by the push, and the #PF's push again: #DF.
    ModeGuest guest(Mode::User, {0x90, 0x0f, 0x0b});
    guest.set_tss_word(4, ModeGuest::kNowhere.value + 0x800);
    guest.handle(6);
    guest.handle(14);
    guest.handle(8, kExit, {.ist = 1});
    const Frame frame = run_to_exit(guest, true);
    EXPECT_EQ(frame.rip, (BareGuest::kCode + 1).value);
    EXPECT_EQ(frame.cs, ModeGuest::kUserCode);
    EXPECT_EQ(guest.gpr(Gpr::Rsp), ModeGuest::ist_stack(1).value - 48);
    // The same without a stack for #DF.
    ModeGuest worse(Mode::User, {0x90, 0x0f, 0x0b});
    worse.set_tss_word(4, ModeGuest::kNowhere.value + 0x800);
    worse.handle(6);
    worse.handle(14);
    worse.handle(8);
    const StopEvent stop = worse.run();
    EXPECT_EQ(stop.reason, StopReason::TripleFault);
    EXPECT_EQ(stop.rip, BareGuest::kCode + 1);
}

TEST(Exceptions, NonCanonicalReturnsFaultAtTheReturn) {
    // iretq to a non-canonical RIP, from the kernel: #GP(0) there.
    // push ss; push rsp; pushfq; push cs; push rsi; iretq
    const Bytes far_return{0x6a, 0x18, 0x54, 0x9c, 0x6a, 0x10, 0x56, 0x48, 0xcf};
    ModeGuest guest(Mode::Kernel, far_return);
    use_non_canonical(guest);
    guest.handle(13);
    const Frame frame = run_to_exit(guest, true);
    EXPECT_EQ(frame.error_code, 0U);
    EXPECT_EQ(frame.cs, ModeGuest::kKernelCode);
}

// --- What the engine's CPU never raises (emu/README.md): these fail when that changes.

TEST(ExceptionLimits, NoSimdErrorNoAlignmentCheckNoMisalignedSse) {
    // Divide by zero with all MXCSR exceptions unmasked: #XM on hardware.
    // ldmxcsr [rsp]; xorps xmm0, xmm0; divps xmm1, xmm0
    ModeGuest simd(Mode::Kernel,
                   code_of({{0x0f, 0xae, 0x14, 0x24, 0x0f, 0x57, 0xc0, 0x0f, 0x5e, 0xc8}, kExit}));
    simd.put(BareGuest::kStack, {0, 0, 0, 0});
    EXPECT_EQ(simd.run().reason, StopReason::GuestExit);
    EXPECT_EQ(simd.counted(19), 0U);
    // movaps xmm0, [rsp+1]: #GP on hardware.
    ModeGuest sse(Mode::Kernel, code_of({{0x0f, 0x28, 0x44, 0x24, 0x01}, kExit}));
    EXPECT_EQ(sse.run().reason, StopReason::GuestExit);
    EXPECT_EQ(sse.counted(13), 0U);
    // mov eax, [rsp+1] at CPL 3 with CR0.AM and RFLAGS.AC: #AC on hardware. ud2 ends it.
    ModeGuest align(Mode::User, {0x8b, 0x44, 0x24, 0x01, 0x0f, 0x0b});
    align.change([](cpu::RegisterFile& registers) {
        registers.cr0 |= 1U << 18;
        registers.rflags |= cpu::rflags::kAc;
    });
    align.handle(6);
    align.handle(17);
    EXPECT_EQ(align.run().reason, StopReason::GuestExit);
    EXPECT_EQ(align.counted(17), 0U);
}

}  // namespace
}  // namespace trapgate::emu
