// SPDX-License-Identifier: GPL-2.0-only
// What a hit costs, to the host in time and to the guest in modelled cycles, for each kind of
// probe. The same loop everywhere; "no_probe" is what to take off.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.hpp"
#include "emu/boot.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {
namespace {

const GuestVa kCode = emu::kBareDirectMap + emu::kBareFreeRam.value;
const GuestVa kFunction = kCode + 0x40;

enum class Kind : std::uint8_t { None, Trap, Boosted, Stepped, Emulated, Return };

/// main: call function; jmp main. function: inc %rax; nop; ret.
std::unique_ptr<emu::Machine> guest(emu::ProbeCost cost) {
    auto made = emu::make_bare_machine({.ram_bytes = 16ULL << 20, .probe_cost = cost});
    TG_CHECK(made, made.error().message());
    std::vector<std::uint8_t> code(0x45, 0x90);
    const std::vector<std::uint8_t> loop{0xe8, 0x3b, 0, 0, 0, 0xeb, 0xf9};
    const std::vector<std::uint8_t> function{0x48, 0xff, 0xc0, 0x90, 0xc3};
    std::copy(loop.begin(), loop.end(), code.begin());
    std::copy(function.begin(), function.end(), code.begin() + 0x40);
    emu::Machine& machine = **made;
    TG_CHECK(machine.write(kCode, std::as_bytes(std::span(code))), "the code fits into RAM");
    emu::KernelImage image;
    image.symbols = emu::SymbolTable({{"loop", kCode, 0x40, 'T'}, {"function", kFunction, 5, 'T'}});
    machine.set_kernel(std::move(image));
    machine.cpu().set_rip(kCode);
    machine.cpu().set_gpr(cpu::Gpr::Rsp, (kCode + 0x8000).value);
    return std::move(*made);
}

void hit(benchmark::State& state, Kind kind) {
    constexpr std::uint64_t kRounds = 1000;
    const auto machine = guest(emu::ProbeCost::Charged);
    Kprobes kprobes(*machine);
    std::optional<Result<KprobeHandle>> probe;
    std::optional<Result<KretprobeHandle>> caught;
    KprobeSpec spec{.symbol = "function", .pre_handler = [](Kprobe&, ProbeRegs&) { return 0; }};
    if (kind == Kind::Trap) {
        TG_CHECK(machine->plant(kFunction + 3,
                                [](emu::Machine& self) { self.cpu().set_rip(kFunction + 4); }),
                 "planted");
    } else if (kind == Kind::Return) {
        caught = kprobes.register_kretprobe({.symbol = "function"});
        TG_CHECK(*caught, "registered");
    } else if (kind != Kind::None) {
        if (kind == Kind::Stepped) {
            spec.post_handler = [](Kprobe&, ProbeRegs&) {};
        }
        spec.offset = kind == Kind::Emulated ? 4 : 0;
        probe = kprobes.register_kprobe(std::move(spec));
        TG_CHECK(*probe, "registered");
    }
    // Five of the guest's own instructions a round, and what the probe adds.
    std::uint64_t rounds = 0;
    const std::uint64_t before = machine->cpu().gpr(cpu::Gpr::Rax);
    std::uint64_t limit = machine->counters().instructions;
    for (auto _ : state) {
        limit += 5 * kRounds;
        machine->run({.max_instructions = limit});
    }
    rounds = machine->cpu().gpr(cpu::Gpr::Rax) - before;
    state.SetItemsProcessed(static_cast<std::int64_t>(rounds));
    state.counters["cycles_per_hit"] = static_cast<double>(machine->counters().cycles.value) /
                                           static_cast<double>(rounds) -
                                       5;
    state.SetLabel("items are rounds of the loop");
}
BENCHMARK_CAPTURE(hit, no_probe, Kind::None);
BENCHMARK_CAPTURE(hit, planted_trap, Kind::Trap);
BENCHMARK_CAPTURE(hit, boosted, Kind::Boosted);
BENCHMARK_CAPTURE(hit, stepped, Kind::Stepped);
BENCHMARK_CAPTURE(hit, emulated, Kind::Emulated);
BENCHMARK_CAPTURE(hit, kretprobe, Kind::Return);

}  // namespace
}  // namespace trapgate::kernel
