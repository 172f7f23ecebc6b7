// SPDX-License-Identifier: GPL-2.0-only
#include "tests/roms/shell.hpp"

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "emu/loader/cpio.hpp"
#include "tests/roms/elf_file.hpp"

namespace trapgate::roms {
namespace {

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
    Result<std::vector<std::byte>> bytes = read_file(path);
    EXPECT_TRUE(bytes) << bytes.error().message();
    return bytes ? *bytes : std::vector<std::byte>();
}

}  // namespace

std::vector<std::byte> shell_archive(const std::filesystem::path& busybox,
                                     const std::string& command,
                                     const std::vector<std::filesystem::path>& programs,
                                     const std::vector<GuestFile>& files) {
    emu::CpioWriter writer;
    writer.add_directory("/dev");
    writer.add_file("/trapgate/command", std::as_bytes(std::span(command)));
    writer.add_file("/init", bytes_of(guest_image("init")), 0755);
    writer.add_file("/bin/busybox", bytes_of(busybox), 0755);
    for (const std::filesystem::path& program : programs) {
        writer.add_file("/bin/" + program.filename().string(), bytes_of(program), 0755);
    }
    for (const GuestFile& file : files) {
        writer.add_file(file.path, file.bytes);
    }
    return writer.finish();
}

namespace {

Ran run_machine(const std::filesystem::path& initrd, std::vector<std::byte> overlay,
                const ShellOptions& options) {
    Ran ran;
    emu::MachineConfig config;
    config.cpus = options.cpus;
    config.ram_bytes = options.ram_bytes;
    const auto machine = std::move(*emu::Machine::create(config));
    machine->set_console_sink([&](std::string_view text) { ran.console += text; });
    const Result<void> loaded = emu::load_boot_image(*machine,
                                                     {.kernel = guest_image("minikernel.elf"),
                                                      .command_line = "console=ttyS0 loglevel=3",
                                                      .initrd = initrd,
                                                      .initrd_overlay = std::move(overlay)});
    EXPECT_TRUE(loaded) << loaded.error().message();
    ran.stop = machine->run({.max_instructions = options.max_instructions});
    ran.instructions = machine->counters().instructions;
    return ran;
}

}  // namespace

Ran run_shell(const std::filesystem::path& busybox, const std::string& command,
              const ShellOptions& options) {
    return run_machine({}, shell_archive(busybox, command, options.programs, options.files),
                       options);
}

Ran run_program(const std::string& name, const std::vector<std::string>& arguments,
                const ShellOptions& options) {
    emu::CpioWriter writer;
    std::string words = "./" + name + '\0';
    for (const std::string& argument : arguments) {
        words += argument + '\0';
    }
    writer.add_file("/trapgate/program", std::as_bytes(std::span(words)));
    writer.add_file("/root/" + name, bytes_of(guest_image(name)), 0755);
    return run_machine(guest_image("initramfs.cpio"), writer.finish(), options);
}

}  // namespace trapgate::roms
