// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trapgate::layering {

/// All files of the tree that people write, relative to its root and sorted: what lies below build
/// folders, in .git, or begins with a dot is left out. Test data (tests/data) is left out too.
[[nodiscard]] std::vector<std::string> tree_files(const std::filesystem::path& root);

/// The C and C++ files of these.
[[nodiscard]] std::vector<std::string> source_files(const std::filesystem::path& root);

}  // namespace trapgate::layering
