// SPDX-License-Identifier: GPL-2.0-only
// The price of being a machine: the same paged, device-free loops in a whole machine and in the
// bare engine (libunicorn's public API, nothing replaced, no hooks), in turn, in one run. "ratio"
// is the machine's speed as a part of the bare engine's.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.hpp"
#include "emu/boot.hpp"
#include "emu/engine/bare_engine.hpp"

namespace trapgate::emu {
namespace {

/// This thread's CPU time: other work on the host does not count.
struct CpuClock {
    using duration = std::chrono::nanoseconds;
    static duration now() {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
};
using Code = std::vector<std::uint8_t>;

const GuestVa kCode = kBareDirectMap + kBareFreeRam.value;
const GuestVa kData = kBareDirectMap + 0x20'0000;
const GuestVa kStackTop = kBareDirectMap + 0x40'0000;
constexpr GuestPa kCodeEnd{0x10'0000};        // What lies behind is data only.
constexpr std::uint64_t kRounds = 3'000'000;  // rcx at the start

// Each body is repeated kRounds times by "dec rcx; jnz". rsi points at 64 KiB of data.
struct Loop {
    const char* name;
    Code body;
};

const std::vector<Loop>& loops() {
    static const std::vector<Loop> kLoops{
        // add rax, rcx; xor rdx, rax; rol rdx, 7; lea rbx, [rax + rdx*2]; imul rbx, rbx, 31;
        // sub rax, rbx
        {"arithmetic", {0x48, 0x01, 0xc8, 0x48, 0x31, 0xc2, 0x48, 0xc1, 0xc2, 0x07, 0x48,
                        0x8d, 0x1c, 0x50, 0x48, 0x6b, 0xdb, 0x1f, 0x48, 0x29, 0xd8}},
        // movzx edi, cx; and edi, 0xfff8; mov rax, [rsi + rdi]; add rax, rcx; mov [rsi + rdi], rax;
        // add rdx, [rsi + rdi]
        {"memory", {0x0f, 0xb7, 0xf9, 0x81, 0xe7, 0xf8, 0xff, 0x00, 0x00, 0x48, 0x8b, 0x04,
                    0x3e, 0x48, 0x01, 0xc8, 0x48, 0x89, 0x04, 0x3e, 0x48, 0x03, 0x14, 0x3e}},
        // call +2; jmp +7; push rbx; add rax, rcx; pop rbx; ret -- a call that returns at once
        {"calls", {0xe8, 0x02, 0x00, 0x00, 0x00, 0xeb, 0x06, 0x53, 0x48, 0x01, 0xc8, 0x5b, 0xc3}},
        // test cl, 1; jz +3; add rax, rcx; test cl, 2; jz +3; xor rax, rcx; test cl, 4; jz +3;
        // sub rax, rcx
        {"branches", {0xf6, 0xc1, 0x01, 0x74, 0x03, 0x48, 0x01, 0xc8, 0xf6, 0xc1, 0x02, 0x74,
                      0x03, 0x48, 0x31, 0xc8, 0xf6, 0xc1, 0x04, 0x74, 0x03, 0x48, 0x29, 0xc8}},
    };
    return kLoops;
}

// The body, "dec rcx; jnz body", and what ends a machine's run: xor eax, eax; out 0xf4, eax.
Code whole(const Code& body, std::uint64_t& until) {
    Code code = body;
    code.insert(code.end(), {0x48, 0xff, 0xc9, 0x0f, 0x85});
    const auto back = -static_cast<std::int32_t>(code.size() + 4);
    code.resize(code.size() + 4);
    std::memcpy(code.data() + code.size() - 4, &back, sizeof(back));
    until = code.size();
    code.insert(code.end(), {0x31, 0xc0, 0xe7, 0xf4});
    return code;
}

cpu::RegisterFile start_registers(const Machine& machine) {
    cpu::RegisterFile registers = machine.cpu().registers();
    registers.rip = kCode.value;
    registers[cpu::Gpr::Rcx] = kRounds;
    registers[cpu::Gpr::Rsi] = kData.value;
    registers[cpu::Gpr::Rsp] = kStackTop.value;
    return registers;
}

void machine_beside_bare_engine(benchmark::State& state) {
    const Loop& loop = loops().at(static_cast<std::size_t>(state.range(0)));
    std::uint64_t until = 0;
    const Code code = whole(loop.body, until);
    auto made = make_bare_machine();
    TG_CHECK(made, made.error().message());
    Machine& machine = **made;
    TG_CHECK(machine.write(kCode, std::as_bytes(std::span(code))), "the code fits into RAM");
    const cpu::RegisterFile registers = start_registers(machine);

    // The bare engine has a copy of the machine's memory, page tables and all.
    const std::uint64_t bytes = machine.config().ram_bytes;
    const std::unique_ptr<std::byte, void (*)(std::byte*)> copy(
        static_cast<std::byte*>(::operator new(bytes, std::align_val_t{kPageBytes})),
        [](std::byte* pages) { ::operator delete(pages, std::align_val_t{kPageBytes}); });
    std::memset(copy.get(), 0, bytes);
    for (std::uint64_t at = 0; at < bytes; at += kPageBytes) {
        const std::span<std::byte> page = machine.memory().view(GuestPa{at}, kPageBytes);
        std::copy(page.begin(), page.end(), copy.get() + at);
    }
    auto bare = BareEngine::create({copy.get(), bytes}, kCodeEnd, registers);
    TG_CHECK(bare, bare.error().message());

    std::chrono::duration<double> of_machine{0};
    std::chrono::duration<double> of_bare{0};
    std::uint64_t instructions = 0;
    for (auto _ : state) {
        machine.cpu().set_registers(registers);
        const std::uint64_t before = machine.counters().instructions;
        (*bare)->set_gpr(cpu::Gpr::Rcx, kRounds);
        const auto start = CpuClock::now();
        machine.run({});
        const auto between = CpuClock::now();
        const Result<void> ran = (*bare)->run(kCode, kCode + until);
        of_bare += CpuClock::now() - between;
        of_machine += between - start;
        TG_CHECK(ran, ran.error().message());
        instructions += machine.counters().instructions - before;
        TG_CHECK((*bare)->gpr(cpu::Gpr::Rcx) == 0, "the loop has run to its end");
        state.SetIterationTime(std::chrono::duration<double>(CpuClock::now() - start).count());
    }
    constexpr double kMillion = 1e6;
    state.counters["machine_Minsn/s"] = static_cast<double>(instructions) / of_machine.count() /
                                        kMillion;
    state.counters["bare_Minsn/s"] = static_cast<double>(instructions) / of_bare.count() / kMillion;
    state.counters["ratio"] = of_bare.count() / of_machine.count();
    state.SetLabel(loop.name);
}
BENCHMARK(machine_beside_bare_engine)
    ->DenseRange(0, 3)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
}  // namespace trapgate::emu
