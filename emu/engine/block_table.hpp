// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/insn_length.hpp"

namespace trapgate::emu {

/// What the engine knows of one translated block.
struct BlockInfo {
    const void* code = nullptr;  ///< Host address inside the block's translation: its identity.
    std::uint64_t pc = 0;
    std::uint64_t repeat_pc = kNoRepeat;  ///< Address of a REP string instruction that ends the
                                          ///< block.
    std::uint16_t bytes = 0;
    std::uint16_t instructions = 0;
    std::uint16_t transfers = 0;  ///< Control transfers among them.
    std::uint16_t clear = kAll;   ///< Instructions in front of the first breakpoint that is not at
                                  ///< the block's start.
    bool starts_at_breakpoint = false;
    std::uint32_t shapes = 0;  ///< Where its instructions' shapes are: InsnShapes.

    static constexpr std::uint16_t kAll = 0xffff;
    static constexpr std::uint64_t kNoRepeat = ~0ULL;
};

/// What the instructions in blocks were when the blocks were translated: memory or page tables may
/// have changed since.
class InsnShapes {
public:
    /// The next block's place. Not too many blocks are kept: false says that all have been
    /// forgotten.
    [[nodiscard]] bool begin_block(std::uint32_t& place) {
        const bool fits = shapes_.size() < kMost;
        if (!fits) {
            shapes_.clear();
        }
        place = static_cast<std::uint32_t>(shapes_.size());
        return fits;
    }
    void add(const cpu::InsnShape& shape) {
        shapes_.push_back(
            static_cast<std::uint8_t>(shape.length | (shape.transfer ? kTransfer : 0)));
    }
    [[nodiscard]] std::size_t length(std::size_t index) const { return shapes_[index] & 0xfU; }
    [[nodiscard]] bool transfer(std::size_t index) const {
        return (shapes_[index] & kTransfer) != 0;
    }

private:
    static constexpr std::size_t kMost = 16U << 20;
    static constexpr unsigned kTransfer = 0x10;
    std::vector<std::uint8_t> shapes_;
};

/// A direct-mapped cache from a translation to its BlockInfo. The guest address alone would not do
/// as key: the same address holds other code in another address space, or after a write.
class BlockTable {
public:
    BlockTable() : entries_(std::make_unique<std::array<BlockInfo, kEntries>>()) {}

    [[nodiscard]] BlockInfo& slot(const void* code) {
        const auto key = reinterpret_cast<std::uintptr_t>(code);
        return (*entries_)[((key >> 4) ^ (key >> 20)) & (kEntries - 1)];
    }
    /// After the translations themselves are gone, or when all are to be described anew.
    void clear() { entries_->fill(BlockInfo{}); }

private:
    static constexpr std::size_t kEntries = 1U << 16;
    std::unique_ptr<std::array<BlockInfo, kEntries>> entries_;
};

}  // namespace trapgate::emu
