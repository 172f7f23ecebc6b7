// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <vector>

namespace trapgate::kernel {

/// BTF with one type of nearly every kind, for the checker's tests.
[[nodiscard]] std::vector<std::byte> sample_btf();

/// A guest kernel's BTF in which `struct open_how` has its members elsewhere than the test programs
/// think: flags at 16, mode at 24.
[[nodiscard]] std::vector<std::byte> moved_open_how_btf();

}  // namespace trapgate::kernel
