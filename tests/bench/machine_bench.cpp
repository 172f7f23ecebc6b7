// SPDX-License-Identifier: GPL-2.0-only
// What the machine costs the host: making one, running it, trapping out of it, booting kernels.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.hpp"
#include "base/files.hpp"
#include "emu/boot.hpp"
#include "emu/loader/cpio.hpp"

namespace trapgate::emu {
namespace {

const GuestVa kCode = kBareDirectMap + kBareFreeRam.value;
const GuestVa kStackTop = kCode + 0x8000;

std::unique_ptr<Machine> machine_with(std::span<const std::uint8_t> code) {
    auto machine = make_bare_machine();
    TG_CHECK(machine, machine.error().message());
    TG_CHECK((*machine)->write(kCode, std::as_bytes(code)), "the code fits into RAM");
    (*machine)->cpu().set_rip(kCode);
    (*machine)->cpu().set_gpr(cpu::Gpr::Rsp, kStackTop.value);
    return std::move(*machine);
}

void make_a_bare_machine(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(make_bare_machine());
    }
}
BENCHMARK(make_a_bare_machine)->Unit(benchmark::kMillisecond);

// Four instructions a block, the usual size in a kernel.
void run_a_loop(benchmark::State& state) {
    constexpr std::uint64_t kSlice = 1'000'000;
    const std::vector<std::uint8_t> code = {0x48, 0xff, 0xc3, 0x48, 0x01, 0xd9,
                                            0x48, 0x31, 0xcb, 0xeb, 0xf5};
    const auto machine = machine_with(code);
    std::uint64_t limit = 0;
    for (auto _ : state) {
        limit += kSlice;
        machine->run({.max_instructions = limit});
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(limit));
    state.SetLabel("items are guest instructions");
}
BENCHMARK(run_a_loop)->Unit(benchmark::kMillisecond);

// nop; jmp back, with the host's int3 over the nop.
void trap_to_the_host(benchmark::State& state) {
    constexpr std::uint64_t kTraps = 1000;
    const auto machine = machine_with(std::vector<std::uint8_t>{0x90, 0xeb, 0xfd});
    std::uint64_t hits = 0;
    std::uint64_t last = 0;
    const auto planted = machine->plant(kCode, [&](Machine& self) {
        self.cpu().set_rip(kCode + 1);
        if (++hits == last) {
            self.request_stop();
        }
    });
    TG_CHECK(planted, planted.error().message());
    for (auto _ : state) {
        last = hits + kTraps;
        machine->run({});
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(hits));
    state.SetLabel("items are traps");
}
BENCHMARK(trap_to_the_host)->Unit(benchmark::kMillisecond);

// To the kernel's own end, which the boot of a machine is for.
void boot(benchmark::State& state, const BootImage& image, const MachineConfig& config) {
    std::uint64_t instructions = 0;
    std::uint64_t one = 0;
    for (auto _ : state) {
        auto machine = Machine::create(config);
        TG_CHECK(machine, machine.error().message());
        const auto loaded = load_boot_image(**machine, image);
        TG_CHECK(loaded, loaded.error().message());
        const StopEvent stop = (*machine)->run({.max_host_seconds = 300});
        TG_CHECK(stop.reason == StopReason::GuestExit, "the guest comes to its end");
        one = (*machine)->counters().instructions;
        instructions += one;
    }
    state.counters["guest_instructions"] = static_cast<double>(one);
    state.counters["insn/s"] = benchmark::Counter(static_cast<double>(instructions),
                                                  benchmark::Counter::kIsRate);
}

void boot_the_minikernel(benchmark::State& state) {
    const std::filesystem::path image = std::filesystem::path(TRAPGATE_SHARE_DIR) /
                                        "minikernel.elf";
    if (!std::filesystem::exists(image)) {
        state.SkipWithError("no minikernel: ./dev build makes it");
        return;
    }
    boot(state, {.kernel = image, .command_line = ""}, {});
}
BENCHMARK(boot_the_minikernel)->Unit(benchmark::kMillisecond);

// Debian's kernel to a shell that exits at once; the argument is the number of CPUs.
void boot_debian(benchmark::State& state) {
    const std::filesystem::path linux = std::filesystem::path(TRAPGATE_SOURCE_DIR) /
                                        "build/deps/linux";
    const auto busybox = read_file(linux / "busybox");
    if (!std::filesystem::exists(linux / "vmlinuz") || !busybox) {
        state.SkipWithError("no kernel of Debian's: ./dev fetch-linux gets it");
        return;
    }
    constexpr std::string_view
        kInit = "#!/bin/busybox sh\nprintf '\\0' | /bin/busybox dd of=/dev/port bs=1 seek=244\n";
    CpioWriter files;
    files.add_file("/bin/busybox", *busybox, 0755);
    files.add_file("/init", std::as_bytes(std::span(kInit)), 0755);
    files.add_character_device("/dev/console", 5, 1);
    files.add_character_device("/dev/port", 1, 4);
    MachineConfig config;
    config.cpus = static_cast<unsigned>(state.range(0));
    boot(state,
         {.kernel = linux / "vmlinuz",
          .command_line = "console=ttyS0 panic=-1",
          .initrd = {},
          .initrd_overlay = files.finish()},
         config);
}
BENCHMARK(boot_debian)->Arg(1)->Arg(2)->Arg(4)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
}  // namespace trapgate::emu
