// SPDX-License-Identifier: GPL-2.0-only
// What saving and restoring a machine costs: the first time, after it ran on, and through a file.
#include <filesystem>
#include <memory>

#include <benchmark/benchmark.h>

#include "base/check.hpp"
#include "emu/boot.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint64_t kOn = 1'000'000;  // instructions between two snapshots

struct Guest {
    std::unique_ptr<Machine> machine;
    std::uint64_t at = 0;

    void run_on() {
        at += kOn;
        machine->run({.max_instructions = at});
    }
};

// The minikernel half-way, or Debian's kernel (where it was fetched) after 300 M instructions.
Guest booted(bool debian) {
    auto machine = Machine::create({});
    TG_CHECK(machine, machine.error().message());
    BootImage image;
    image.kernel = debian ? std::filesystem::path(TRAPGATE_SOURCE_DIR) / "build/deps/linux/vmlinuz"
                          : std::filesystem::path(TRAPGATE_SHARE_DIR) / "minikernel.elf";
    image.command_line = debian ? "console=ttyS0" : "";
    const Result<void> loaded = load_boot_image(**machine, image);
    if (!loaded) {
        return {};
    }
    Guest guest{std::move(*machine), debian ? 300'000'000U : 100'000U};
    guest.machine->run({.max_instructions = guest.at});
    return guest;
}

bool ready(benchmark::State& state, const Guest& guest) {
    if (!guest.machine) {
        state.SkipWithError("no kernel: ./dev fetch-linux gets Debian's");
        return false;
    }
    return true;
}

void Snapshot_save_after_1M_instructions(benchmark::State& state) {
    Guest guest = booted(state.range(0) != 0);
    if (!ready(state, guest)) {
        return;
    }
    StatePtr last = guest.machine->save();
    state.counters["first_MB"] = static_cast<double>(bytes_apart_from(*last, nullptr)) / 1e6;
    for (auto _ : state) {
        state.PauseTiming();
        guest.run_on();
        state.ResumeTiming();
        last = guest.machine->save();
    }
}
BENCHMARK(Snapshot_save_after_1M_instructions)
    ->ArgName("debian")
    ->Arg(0)
    ->Arg(1)
    ->Iterations(100)
    ->Unit(benchmark::kMicrosecond);

void Snapshot_restore_after_1M_instructions(benchmark::State& state) {
    Guest guest = booted(state.range(0) != 0);
    if (!ready(state, guest)) {
        return;
    }
    const StatePtr saved = guest.machine->save();
    const std::uint64_t at = guest.at;
    for (auto _ : state) {
        state.PauseTiming();
        guest.at = at;
        guest.run_on();
        state.ResumeTiming();
        const bool restored = guest.machine->restore(*saved).has_value();
        TG_CHECK(restored, "its own state");
    }
}
BENCHMARK(Snapshot_restore_after_1M_instructions)
    ->ArgName("debian")
    ->Arg(0)
    ->Arg(1)
    ->Iterations(100)
    ->Unit(benchmark::kMicrosecond);

void Snapshot_first_save(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        Guest guest = booted(state.range(0) != 0);
        if (!ready(state, guest)) {
            return;
        }
        state.ResumeTiming();
        benchmark::DoNotOptimize(guest.machine->save());
        state.PauseTiming();
        guest.machine.reset();
        state.ResumeTiming();
    }
}
BENCHMARK(Snapshot_first_save)
    ->ArgName("debian")
    ->Arg(0)
    ->Arg(1)
    ->Iterations(2)
    ->Unit(benchmark::kMillisecond);

void Snapshot_through_a_file(benchmark::State& state) {
    const Guest guest = booted(state.range(0) != 0);
    if (!ready(state, guest)) {
        return;
    }
    const StatePtr saved = guest.machine->save();
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::vector<std::byte> file = encode_state(*saved);
        bytes = file.size();
        benchmark::DoNotOptimize(decode_state(file, "file"));
    }
    state.counters["file_MB"] = static_cast<double>(bytes) / 1e6;
}
BENCHMARK(Snapshot_through_a_file)
    ->ArgName("debian")
    ->Arg(0)
    ->Arg(1)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace trapgate::emu
