// SPDX-License-Identifier: GPL-2.0-only
// Can a program of the host run in a guest that has no libraries?
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace trapgate::kernel {

/// A static x86-64 Linux program (ET_EXEC, or a static ET_DYN), or a script, that may be executed.
/// Errors name the file and what stands against it: missing, a folder, not executable (EACCES), no
/// program at all, of another machine, or in need of a dynamic loader (ENOEXEC).
[[nodiscard]] Result<void> check_guest_program(const std::filesystem::path& program);

}  // namespace trapgate::kernel
