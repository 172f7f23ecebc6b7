// SPDX-License-Identifier: GPL-2.0-only
// Random bytes executed in kernel mode: whatever the guest comes to do, the host goes on.
#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/emu/mode_guest.hpp"
#include "tests/emu/wild/knobs.hpp"

namespace trapgate::emu {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kCodeBytes = 0x8000;
constexpr std::uint64_t kInstructions = 20'000;
constexpr GuestVa kRecover = kBareDirectMap + 0x40000;
constexpr GuestVa kChance = kBareDirectMap + 0x41000;

// Beginnings of instructions that reach far into the CPU; random bytes hit them too rarely.
const std::vector<Bytes>& beginnings() {
    static const std::vector<Bytes> kBeginnings{
        {0x0f, 0x01},        // SGDT ... LMSW, VM*, SVM's
        {0x0f, 0x01, 0xd8},  // VMRUN
        {0x0f, 0x01, 0xdb},  // VMSAVE
        {0x0f, 0x01, 0xda},  // VMLOAD
        {0x0f, 0x01, 0xdc},  // STGI
        {0x0f, 0x01, 0xdd},  // CLGI
        {0x0f, 0x00},        // SLDT, LTR, VERR
        {0x0f, 0x20},        // MOV from CR
        {0x0f, 0x22},        // MOV to CR
        {0x0f, 0x21},        // MOV from DR
        {0x0f, 0x23},        // MOV to DR
        {0x0f, 0x30},        // WRMSR
        {0x0f, 0x32},        // RDMSR
        {0x0f, 0x31},        // RDTSC
        {0x0f, 0x34},        // SYSENTER
        {0x0f, 0x35},        // SYSEXIT
        {0x0f, 0x05},        // SYSCALL
        {0x48, 0x0f, 0x07},  // SYSRET
        {0x0f, 0xaa},        // RSM
        {0x0f, 0x0b},        // UD2
        {0x0f, 0xae},        // FXSAVE, LDMXCSR, XSAVE, fences
        {0x0f, 0xc7},        // CMPXCHG8B, RDRAND, VMPTRLD
        {0x0f, 0x08},        // INVD
        {0x0f, 0x09},        // WBINVD
        {0x0f, 0x78},        // VMREAD
        {0x0f, 0xa2},        // CPUID
        {0x0f, 0x38},        // three-byte opcodes
        {0x0f, 0x3a},
        {0x66, 0x0f, 0x3a},
        {0xf3, 0x0f},
        {0xf2, 0x0f},
        {0xc5},  // VEX
        {0xc4},
        {0x62},  // EVEX
        {0x8f},  // XOP
        {0xd8},
        {0xd9},
        {0xda},
        {0xdb},
        {0xdc},
        {0xdd},
        {0xde},
        {0xdf},                    // x87
        {0xd9, 0x20},              // FLDENV [RAX]
        {0xdd, 0x20},              // FRSTOR [RAX]
        {0x48, 0x0f, 0xae, 0x08},  // FXRSTOR [RAX]
        {0xcd},                    // INT n
        {0xcc},
        {0xf1},
        {0xce},
        {0x48, 0xcf},
        {0xcf},  // IRET
        {0xca},
        {0x48, 0xcb},        // far RET
        {0x48, 0xff, 0x28},  // far JMP [RAX]
        {0xff, 0x18},        // far CALL [RAX]
        {0xe4},
        {0xe5},
        {0xe6},
        {0xe7},
        {0xec},
        {0xed},
        {0xee},
        {0xef},  // IN, OUT
        {0x6c},
        {0x6d},
        {0x6e},
        {0x6f},
        {0xf3, 0x6c},
        {0xf3, 0x6f},  // INS, OUTS
        {0xf3, 0xa4},
        {0xf3, 0xab},
        {0xf3, 0xa6},
        {0xf2, 0xae},  // REP
        {0xf4},
        {0xfb},
        {0xfa},
        {0xfb, 0xf4},  // HLT, STI, CLI
        {0x9d},
        {0x9c},
        {0x8e},
        {0x8c},
        {0x0f, 0xb2},
        {0x0f, 0xa1},
        {0x0f, 0xa9},
        {0x48, 0xc7, 0x00},        // MOV [RAX], imm32
        {0x48, 0x89, 0x03},        // MOV [RBX], RAX
        {0xf0, 0x48, 0x0f, 0xb1},  // LOCK CMPXCHG
        {0xeb},
        {0xe8, 0x00, 0x01, 0x00, 0x00},
        {0xc3},
        {0xc8},
        {0xc9},
        {0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x30},  // MOV ECX, EFER; WRMSR
        {0xb9, 0x1b, 0x00, 0x00, 0x00, 0x0f, 0x30},  // MOV ECX, APIC_BASE; WRMSR
        {0xb9, 0xe0, 0x06, 0x00, 0x00, 0x0f, 0x30},  // MOV ECX, TSC_DEADLINE; WRMSR
        {0x66, 0xba, 0x43, 0x00, 0xee},              // MOV DX, 0x43; OUT DX, AL
    };
    return kBeginnings;
}

Bytes random_code(std::mt19937_64& random) {
    Bytes code;
    while (code.size() < kCodeBytes) {
        if (random() % 3 == 0) {
            const Bytes& begin = beginnings()[random() % beginnings().size()];
            code.insert(code.end(), begin.begin(), begin.end());
        } else {
            code.push_back(static_cast<std::uint8_t>(random()));
        }
    }
    return code;
}

/// Every exception and interrupt goes on at a random place of the code, with its own stack.
Bytes recovery() {
    const auto here = [](GuestVa at) {
        const auto low = static_cast<std::uint32_t>(at.value);
        return Bytes{static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(low >> 8),
                     static_cast<std::uint8_t>(low >> 16), static_cast<std::uint8_t>(low >> 24)};
    };
    return code_of({{0x50, 0x48, 0x8b, 0x04, 0x25},
                    here(kChance),                               // push rax; mov rax, [chance]
                    {0x48, 0x69, 0xc0, 0x6d, 0x4e, 0xc6, 0x41},  // imul rax, rax, 0x41c64e6d
                    {0x48, 0x05, 0x39, 0x30, 0, 0},              // add rax, 12345
                    {0x48, 0x89, 0x04, 0x25},
                    here(kChance),             // mov [chance], rax
                    {0x48, 0xc1, 0xe8, 0x10},  // shr rax, 16
                    {0x25, 0xff, 0x7f, 0, 0},  // and eax, 0x7fff
                    {0x48, 0x05},
                    here(BareGuest::kCode),  // add rax, code
                    {0x6a, 0x18, 0x68},
                    here(BareGuest::kStack),                     // push 0x18; push stack
                    {0x68, 0x02, 0x02, 0, 0, 0x6a, 0x10, 0x50},  // push 0x202; push 0x10; push rax
                    {0x48, 0x8b, 0x44, 0x24, 0x28},              // mov rax, [rsp + 40]
                    {0x48, 0xcf}});                              // iretq
}

/// A guest that runs random bytes; the same seed is the same guest.
ModeGuest wild_guest(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    ModeGuest guest(Mode::Kernel, random_code(random));
    guest.put(kRecover, recovery());
    std::array<std::uint64_t, 2> gate{};
    for (unsigned vector = 0; vector < 256; ++vector) {
        constexpr std::uint64_t kSecondStack = 2;
        gate[0] = (kRecover.value & 0xffff) | (0x10ULL << 16) | (kSecondStack << 32) |
                  (0x8e00ULL << 32) | (((kRecover.value >> 16) & 0xffff) << 48);
        gate[1] = kRecover.value >> 32;
        EXPECT_TRUE(
            guest.machine->write(BareGuest::kIdt + 16ULL * vector, std::as_bytes(std::span(gate))));
    }
    const std::uint64_t chance = random();
    EXPECT_TRUE(guest.machine->write(kChance, std::as_bytes(std::span(&chance, 1))));
    for (unsigned i = 0; i < cpu::kGprCount; ++i) {
        const auto gpr = static_cast<cpu::Gpr>(i);
        if (gpr != cpu::Gpr::Rsp) {
            guest.machine->cpu().set_gpr(
                gpr, random() % 4 == 0 ? random() : kBareDirectMap.value + random() % 0x100'0000);
        }
    }
    guest.machine->set_console_sink([](std::string_view) {});
    return guest;
}

/// To the end, which resets and exits that the guest asks for are not.
StopEvent run_wild(Machine& machine, std::uint64_t instructions) {
    RunLimits limits;
    limits.max_instructions = instructions;
    limits.max_cycles = Cycles{1ULL << 40};
    limits.max_host_seconds = 20;
    for (;;) {
        const std::uint64_t before = machine.counters().instructions;
        const StopEvent stop = machine.run(limits);
        const bool asked = stop.reason == StopReason::GuestExit ||
                           stop.reason == StopReason::Shutdown || stop.reason == StopReason::Panic;
        if (!asked || machine.counters().instructions == before) {
            return stop;
        }
    }
}

bool is_an_end(StopReason reason) {
    return reason == StopReason::InsnLimit || reason == StopReason::CycleLimit ||
           reason == StopReason::Dead || reason == StopReason::TripleFault ||
           reason == StopReason::GuestExit || reason == StopReason::Shutdown;
}

// TRAPGATE_WILD_FIRST and TRAPGATE_WILD_SEEDS choose others.
TEST(RandomCode, NeverStopsTheHost) {
    const std::uint64_t first = number_in("TRAPGATE_WILD_FIRST", 0);
    for (std::uint64_t seed = first; seed < first + number_in("TRAPGATE_WILD_SEEDS", 40); ++seed) {
        SCOPED_TRACE(seed);
        ModeGuest guest = wild_guest(seed);
        const StopEvent stop = run_wild(*guest.machine, kInstructions);
        EXPECT_TRUE(is_an_end(stop.reason)) << static_cast<int>(stop.reason);
        const StatePtr state = guest.machine->save();
        const Result<void> restored = guest.machine->restore(*state);
        EXPECT_TRUE(restored) << restored.error().message();
        EXPECT_EQ(guest.machine->save()->parts, state->parts);
    }
}

}  // namespace
}  // namespace trapgate::emu
