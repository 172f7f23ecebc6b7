// SPDX-License-Identifier: GPL-2.0-only
#include "tests/roms/booted.hpp"

#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/roms/elf_file.hpp"

namespace trapgate::roms {
namespace {

constexpr std::byte kPushRbp{0x55};  // how every function begins that calls another

// What the planted byte stands for, done by hand.
void push_rbp(emu::Machine& machine) {
    emu::Cpu& cpu = machine.cpu();
    const std::uint64_t rsp = cpu.gpr(cpu::Gpr::Rsp) - 8;
    std::array<std::byte, 8> value;
    const std::uint64_t rbp = cpu.gpr(cpu::Gpr::Rbp);
    std::memcpy(value.data(), &rbp, value.size());
    ASSERT_TRUE(machine.write({rsp}, value));
    cpu.set_gpr(cpu::Gpr::Rsp, rsp);
    cpu.set_rip(cpu.rip() + 1);
}

}  // namespace

Booted::Booted(const std::string& command_line, std::uint64_t ram_bytes, unsigned cpus,
               std::vector<std::byte> initrd_overlay) {
    emu::MachineConfig config;
    config.ram_bytes = ram_bytes;
    config.cpus = cpus;
    Result<std::unique_ptr<emu::Machine>> made = emu::Machine::create(config);
    if (!made) {
        ADD_FAILURE() << made.error().message();
        std::abort();
    }
    machine = std::move(*made);
    machine->set_console_sink([this](std::string_view bytes) { console += bytes; });
    emu::BootImage image;
    image.kernel = guest_image("minikernel.elf");
    image.command_line = command_line;
    image.initrd_overlay = std::move(initrd_overlay);
    const Result<void> loaded = emu::load_boot_image(*machine, image);
    EXPECT_TRUE(loaded) << loaded.error().message();
}

void Booted::count_calls(const std::vector<std::string>& functions) {
    const GuestVa start = machine->symbols().find("start_kernel")->address;
    for (std::uint64_t n = 1000; !machine->translate(start) && n < 10'000; n += 100) {
        run(n);
    }
    for (const std::string& name : functions) {
        const Result<emu::Symbol> symbol = machine->symbols().find(name);
        ASSERT_TRUE(symbol) << symbol.error().message();
        ASSERT_EQ(emu::read_value<std::byte>(*machine, symbol->address), kPushRbp) << name;
        std::uint64_t& count = calls[name];
        ASSERT_TRUE(machine->plant(symbol->address, [&count](emu::Machine& m) {
            ++count;
            push_rbp(m);
        })) << name;
    }
}

emu::StopEvent Booted::run(std::uint64_t max_instructions) {
    emu::RunLimits limits;
    limits.max_instructions = max_instructions;
    return machine->run(limits);
}

}  // namespace trapgate::roms
