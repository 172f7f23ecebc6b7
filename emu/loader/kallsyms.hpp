// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The symbol table that a Linux kernel carries for itself (CONFIG_KALLSYMS_ALL), found and decoded
/// in a vmlinux without .symtab. Nothing points to it from outside, so it is recognised by its
/// shape. Its parts, each aligned to 8 bytes (4 is tried too), in read-only data:
///
///     up to 6.3:  offsets, relative_base, num_syms, names, markers, [seqs_of_names],
///                 token_table, token_index
///     since 6.4:  num_syms, names, markers, token_table, token_index,
///                 offsets, relative_base, seqs_of_names
///
/// - token_table: 256 strings, NUL after each; token_index: where each begins (u16).
/// - names: per symbol a length (one byte, or two in ULEB128 since 6.1) and that many token
///   numbers; the expansion's first character is the type letter, the rest is the name.
/// - markers: where every 256th name begins (u32); proves that a run of bytes is `names`.
/// - offsets: s32 per symbol, in address order. With CONFIG_KALLSYMS_ABSOLUTE_PERCPU a negative
///   one means relative_base - 1 - offset and the others are absolute; without, all are u32 beyond
///   relative_base.
///
/// Source of the layout: scripts/kallsyms.c and kernel/kallsyms.c of Linux 5.10 to 6.12.

#include <cstddef>
#include <span>
#include <vector>

#include "emu/loader/elf_image.hpp"
#include "emu/symbols.hpp"

namespace trapgate::emu {

/// All symbols, by address; empty when there is no such table. A symbol's size is the distance to
/// the next address, at most to its segment's end; 0 outside the kernel half (per-CPU offsets,
/// absolute values). Time is bounded whatever the bytes are.
[[nodiscard]] std::vector<Symbol> find_kallsyms(std::span<const ElfSegment> segments);

/// The largest piece that has the shape of BTF type data (Documentation/bpf/btf.rst), for an image
/// without section headers; empty when there is none.
[[nodiscard]] std::span<const std::byte> find_btf(std::span<const ElfSegment> segments);

}  // namespace trapgate::emu
