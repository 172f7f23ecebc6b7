// SPDX-License-Identifier: GPL-2.0-only
// The names that fetch arguments are made of, and what a wrong one was probably meant to be.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace trapgate::kernel {

/// Where struct pt_regs has a register, by Linux's name: "di", "orig_ax".
[[nodiscard]] std::optional<std::size_t> register_offset(std::string_view name);

/// "did you mean %di?", or all there are.
[[nodiscard]] std::string register_hint(std::string_view name);
/// "did you mean string?", or all there are.
[[nodiscard]] std::string type_hint(std::string_view name);

}  // namespace trapgate::kernel
