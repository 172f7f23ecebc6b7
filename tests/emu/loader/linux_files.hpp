// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "emu/loader/cpio.hpp"

namespace trapgate::emu {

/// A file of Debian's kernel as tools/fetch_linux.sh leaves them: vmlinuz, config and
/// busybox.
inline std::filesystem::path linux_file(std::string_view name) {
    return std::filesystem::path(TRAPGATE_SOURCE_DIR) / "build/deps/linux" / name;
}

/// An initramfs whose /init runs `script` in busybox's shell and ends the run with the script's
/// status, by the debug-exit port.
inline std::vector<std::byte> busybox_initramfs(const std::filesystem::path& busybox,
                                                std::string_view script) {
    const Result<std::vector<std::byte>> program = read_file(busybox);
    EXPECT_TRUE(program) << program.error().message();
    const std::string init = fmt::format(
        "#!/bin/busybox sh\n"
        "/bin/busybox --install -s /bin\n"
        "export PATH=/bin\n"
        "mount -t proc proc /proc\n"
        "mount -t sysfs sys /sys\n"
        "(\n{})\n"
        "printf \"\\x$(printf %x $?)\" | dd of=/dev/port bs=1 seek=244 2>/dev/null\n",
        script);
    CpioWriter writer;
    writer.add_file("/bin/busybox", *program, 0755);
    writer.add_symlink("/bin/sh", "busybox");
    writer.add_file("/init", std::as_bytes(std::span(init)), 0755);
    writer.add_character_device("/dev/console", 5, 1);
    writer.add_character_device("/dev/null", 1, 3, 0666);
    writer.add_character_device("/dev/zero", 1, 5, 0666);
    writer.add_character_device("/dev/port", 1, 4);
    writer.add_directory("/proc");
    writer.add_directory("/sys");
    writer.add_directory("/tmp");
    return writer.finish();
}

}  // namespace trapgate::emu

/// Names the path, or skips the test that needs the file.
#define TRAPGATE_NEEDS_LINUX_FILE(variable, name)                                            \
    const std::filesystem::path variable = ::trapgate::emu::linux_file(name);                \
    if (!std::filesystem::exists(variable)) {                                                \
        GTEST_SKIP() << "no " << (name) << " of Debian's kernel: ./dev fetch-linux gets it"; \
    }
