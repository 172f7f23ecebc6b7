// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The library's CPU state as bytes, from a file that anybody may have written: the library takes
/// indices, modes and enumerations in it as they are.

#include <cstddef>
#include <span>
#include <string_view>

namespace trapgate::emu {

/// What in a saved CPUX86State no CPU could come to; empty when it may be loaded. It is as long as
/// the library's.
[[nodiscard]] std::string_view mistake_in_env(std::span<const std::byte> env);

/// Clears what no guest sees of the floating-point registers: the library leaves pieces of its own
/// stack, host addresses too, behind their ends. And what belongs to its arithmetic: loading makes
/// that anew from the control words.
void forget_float_leftovers(std::span<std::byte> env);

}  // namespace trapgate::emu
