// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// A whole machine at one moment, immutable: CPUs, memory, devices, clock, and what came in so far.
/// Machine::save makes one, Machine::restore goes back to it. States of one machine share the pages
/// that did not change between them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "emu/input/input_log.hpp"
#include "emu/snapshot/page_image.hpp"

namespace trapgate::emu {

/// What a memory region held.
struct RegionImage {
    GuestPa base;
    PageImage pages;
};

struct MachineState {
    MachineIdentity identity;
    InputPlace place;
    std::vector<std::byte> parts;      ///< Everything that is not memory: emu/snapshot/archive.hpp.
    std::vector<RegionImage> regions;  ///< In the order of PhysicalMemory::regions().
    /// What came in so far, and what is about to come in.
    std::shared_ptr<const std::vector<InputEntry>> inputs;
};

using StatePtr = std::shared_ptr<const MachineState>;

/// Bytes of pages that `state` does not share with `other` (or all, when that is null).
[[nodiscard]] std::uint64_t bytes_apart_from(const MachineState& state, const MachineState* other);

/// A state as a file: header, parts, and pages compressed by zstd; a checksum at the end. An
/// existing file is replaced only when all could be written.
[[nodiscard]] Result<void> write_state(const MachineState& state,
                                       const std::filesystem::path& path);
/// Errors: not a state file, of another version, truncated or damaged; they name the file. Whether
/// the state fits a machine is for Machine::restore to say.
[[nodiscard]] Result<StatePtr> read_state(const std::filesystem::path& path);

/// The same without a file; `name` is for errors.
[[nodiscard]] std::vector<std::byte> encode_state(const MachineState& state);
[[nodiscard]] Result<StatePtr> decode_state(std::span<const std::byte> file,
                                            const std::string& name);

}  // namespace trapgate::emu
