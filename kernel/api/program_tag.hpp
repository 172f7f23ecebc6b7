// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bpf/insn.hpp"

namespace trapgate::kernel {

/// The tag that bpftool shows: the first 8 bytes of the SHA-1 of the instructions, map descriptors
/// taken as 0, because they differ from load to load (Linux's bpf_prog_calc_tag up to 6.16).
[[nodiscard]] std::array<std::uint8_t, 8> program_tag(std::span<const bpf::Insn> insns);

}  // namespace trapgate::kernel
