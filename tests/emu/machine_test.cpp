// SPDX-License-Identifier: GPL-2.0-only
#include <array>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu {
namespace {

using cpu::Gpr;

TEST(Machine, RunsToTheDebugExitPort) {
    // mov eax, 7; out 0xf4, eax
    BareGuest bare({0xb8, 7, 0, 0, 0, 0xe7, 0xf4});
    const StopEvent stop = bare.run();
    EXPECT_EQ(stop.reason, StopReason::GuestExit);
    EXPECT_EQ(stop.status, 7U);
    EXPECT_EQ(bare.machine->counters().instructions, 2U);
}

TEST(Machine, APanicIsSaidInThirtyTwoBits) {
    const StopEvent status = BareGuest(out_byte(0xf4, 255)).run();
    EXPECT_EQ(status.reason, StopReason::GuestExit);
    EXPECT_EQ(status.status, 255U);
    // mov eax, 255; out 0xf4, eax
    const StopEvent panic = BareGuest({0xb8, 255, 0, 0, 0, 0xe7, 0xf4}).run();
    EXPECT_EQ(panic.reason, StopReason::Panic);
    EXPECT_EQ(panic.status, 255U);
}

TEST(Machine, StopsAtAnExactInstructionLimit) {
    // loop: inc rbx; inc rbx; inc rbx; jmp loop
    const std::vector<std::uint8_t> loop{0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3,
                                         0x48, 0xff, 0xc3, 0xeb, 0xf5};
    for (const std::uint64_t limit : {1U, 2U, 3U, 4U, 5U, 1001U, 1002U}) {
        BareGuest bare(loop);
        EXPECT_EQ(bare.run(limit).reason, StopReason::InsnLimit);
        EXPECT_EQ(bare.machine->counters().instructions, limit);
        EXPECT_EQ(bare.machine->cpu().gpr(Gpr::Rbx), limit - limit / 4);
    }
}

TEST(Machine, SteppingEqualsRunning) {
    const std::vector<std::uint8_t> loop{0x48, 0xff, 0xc3, 0x48, 0x01, 0xd9, 0x50,
                                         0x58, 0x48, 0x31, 0xcb, 0xeb, 0xf3};
    BareGuest runs(loop);
    BareGuest steps(loop);
    runs.run(5000);
    for (std::uint64_t i = 1; i <= 5000; ++i) {
        steps.run(i);
    }
    EXPECT_EQ(runs.machine->cpu().registers(), steps.machine->cpu().registers());
    EXPECT_EQ(runs.machine->now(), steps.machine->now());
}

TEST(Machine, CountsARepeatedStringInstructionOnce) {
    // mov ecx, 1000; lea rdi, [rsp]; rep stosb; int3-free end: mov eax,0; out 0xf4,eax
    BareGuest bare(
        {0xb9, 0xe8, 3, 0, 0, 0x48, 0x8d, 0x3c, 0x24, 0xf3, 0xaa, 0xb8, 0, 0, 0, 0, 0xe7, 0xf4});
    EXPECT_EQ(bare.run().reason, StopReason::GuestExit);
    EXPECT_EQ(bare.machine->counters().instructions, 5U);
    EXPECT_EQ(bare.machine->cpu().gpr(Gpr::Rcx), 0U);
}

TEST(Machine, ReportsATripleFault) {
    BareGuest bare({0x0f, 0x0b});  // ud2 with no IDT
    const StopEvent stop = bare.run();
    EXPECT_EQ(stop.reason, StopReason::TripleFault);
    EXPECT_EQ(stop.rip, BareGuest::kCode);
}

TEST(Machine, ReportsADeadHalt) {
    BareGuest bare({0xfa, 0xf4});  // cli; hlt
    EXPECT_EQ(bare.run().reason, StopReason::Dead);
    EXPECT_EQ(bare.machine->counters().instructions, 2U);
}

TEST(Machine, StopsASpinningGuestByHostTime) {
    BareGuest bare({0xeb, 0xfe});
    RunLimits limits;
    limits.max_host_seconds = 0.05;
    EXPECT_EQ(bare.machine->run(limits).reason, StopReason::TimeLimit);
}

TEST(Machine, CallsTheHandlerOfAPlantedByteAndHidesIt) {
    // inc rbx; inc rbx; mov eax,0; out 0xf4,eax
    BareGuest bare({0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0xb8, 0, 0, 0, 0, 0xe7, 0xf4});
    const GuestVa second = BareGuest::kCode + 3;
    int hits = 0;
    ASSERT_TRUE(bare.machine->plant(second, [&](Machine& machine) {
        ++hits;
        EXPECT_EQ(machine.cpu().rip(), second);
        machine.cpu().set_gpr(Gpr::Rbx, 40);
        machine.cpu().set_rip(second + 3);
    }));
    EXPECT_EQ(bare.machine->plant(second, [](Machine&) {}).error().linux_errno, EBUSY);
    EXPECT_EQ(read_value<std::uint8_t>(*bare.machine, second), 0x48);
    EXPECT_EQ(bare.run().reason, StopReason::GuestExit);
    EXPECT_EQ(hits, 1);
    EXPECT_EQ(bare.machine->cpu().gpr(Gpr::Rbx), 40U);
}

TEST(Machine, UnplantingRestoresTheInstruction) {
    BareGuest bare({0x48, 0xff, 0xc3, 0xb8, 0, 0, 0, 0, 0xe7, 0xf4});
    ASSERT_TRUE(bare.machine->plant(BareGuest::kCode, [](Machine&) { FAIL(); }));
    bare.machine->unplant(BareGuest::kCode);
    EXPECT_EQ(bare.run().reason, StopReason::GuestExit);
    EXPECT_EQ(bare.machine->cpu().gpr(Gpr::Rbx), 1U);
}

TEST(Machine, AFreeTrapDoesNotShowInTheCounts) {
    // inc rbx; inc rbx; xor eax,eax; out 0xf4,eax
    BareGuest guest({0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0x31, 0xc0, 0xe7, 0xf4});
    const GuestVa second = BareGuest::kCode + 3;
    const auto once = [second](Machine& machine) { machine.unplant(second); };
    ASSERT_TRUE(guest.machine->plant(second, once, TrapCost::Free));
    EXPECT_EQ(guest.run().reason, StopReason::GuestExit);
    EXPECT_EQ(guest.gpr(Gpr::Rbx), 2U);
    EXPECT_EQ(guest.machine->counters().instructions, 4U);
}

TEST(Window, RunsTextAndKeepsDataFromExecuting) {
    BareGuest bare({0xff, 0xe0});  // jmp rax
    Machine& machine = *bare.machine;
    const WindowBlock text = machine.window().allocate_text(16).value();
    const std::array<std::uint8_t, 3> code{0xff, 0xc3, 0xcc};  // inc ebx; int3
    machine.write_text(text, 0, std::as_bytes(std::span(code)));
    int traps = 0;
    machine.add_window_trap(text.va + 2, [&](Machine& m) {
        ++traps;
        m.request_stop();
    });
    machine.cpu().set_gpr(Gpr::Rax, text.va.value);
    EXPECT_EQ(bare.run().reason, StopReason::Requested);
    EXPECT_EQ(traps, 1);
    EXPECT_EQ(machine.cpu().gpr(Gpr::Rbx), 1U);

    const WindowBlock data = machine.window().allocate_data(kPageBytes).value();
    data.host[0] = std::byte{0xcc};
    machine.cpu().set_rip(data.va);
    EXPECT_EQ(bare.run().reason, StopReason::TripleFault);  // #PF with no IDT
    EXPECT_EQ(machine.cpu().registers().cr2, data.va.value);
}

TEST(Window, MirrorsTheTailOnBothSides) {
    // mov rax, [rsi]: the mirror is read by the guest
    BareGuest bare({0x48, 0x8b, 0x06, 0xfa, 0xf4});
    Machine& machine = *bare.machine;
    const WindowBlock block = machine.window().allocate_data(3 * kPageBytes, kPageBytes).value();
    const std::uint64_t value = 0x0123'4567'89ab'cdef;
    std::memcpy(block.host + 2 * kPageBytes, &value, sizeof(value));
    EXPECT_EQ(std::memcmp(block.host + 3 * kPageBytes, &value, sizeof(value)), 0);
    machine.cpu().set_gpr(Gpr::Rsi, block.va.value + 3 * kPageBytes);
    EXPECT_EQ(bare.run().reason, StopReason::Dead);
    EXPECT_EQ(machine.cpu().gpr(Gpr::Rax), value);
}

TEST(Window, GivesZeroedMemoryAgain) {
    BareGuest bare({0xf4});
    ProbeWindow& window = bare.machine->window();
    const WindowBlock first = window.allocate_data(100).value();
    first.host[50] = std::byte{1};
    window.free_data(first);
    const WindowBlock second = window.allocate_data(100).value();
    EXPECT_EQ(second.va, first.va);
    EXPECT_EQ(second.host[50], std::byte{0});
    EXPECT_EQ(window.allocate_data(2ULL << 30).error().linux_errno, ENOMEM);
}

}  // namespace
}  // namespace trapgate::emu
