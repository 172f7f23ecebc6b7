// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string_view>

#include <gtest/gtest.h>

namespace trapgate::emu {

/// A file of Debian's kernel as tools/fetch_linux.sh leaves them: vmlinuz, config, busybox, and
/// System.map when it was asked for.
inline std::filesystem::path linux_file(std::string_view name) {
    return std::filesystem::path(TRAPGATE_SOURCE_DIR) / "build/deps/linux" / name;
}

}  // namespace trapgate::emu

/// Names the path, or skips the test that needs the file.
#define TRAPGATE_NEEDS_LINUX_FILE(variable, name)                                            \
    const std::filesystem::path variable = ::trapgate::emu::linux_file(name);                \
    if (!std::filesystem::exists(variable)) {                                                \
        GTEST_SKIP() << "no " << (name) << " of Debian's kernel: ./dev fetch-linux gets it"; \
    }
