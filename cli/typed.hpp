// SPDX-License-Identifier: GPL-2.0-only
// Paths and commands in the words of a user at the current folder.
#pragma once

#include <filesystem>
#include <string>

namespace trapgate::cli {

/// `path` as a user would type it from the current folder: relative when that is shorter.
[[nodiscard]] std::string typed(const std::filesystem::path& path);
/// How the user called this program.
[[nodiscard]] std::string own_command();

}  // namespace trapgate::cli
