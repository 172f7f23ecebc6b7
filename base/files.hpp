// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace trapgate {

/// A whole file's bytes. Errors: ENOENT, EACCES, EISDIR with the path in `where`.
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::filesystem::path& path);

/// Writes a file anew; the old content is lost only when the write succeeded (rename over it).
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view bytes);

/// The folder of the running program, for data that ships beside the binaries (guest images).
[[nodiscard]] std::filesystem::path program_folder();

}  // namespace trapgate
