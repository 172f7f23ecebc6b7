// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/insn_length.hpp"

namespace trapgate::emu {

class UnicornEngine;

/// What the engine knows of one translated block. Its address stands in the translation itself, as
/// the last argument of the block hook: the same guest address holds other code in another address
/// space, or after a write.
struct BlockInfo {
    UnicornEngine* engine = nullptr;
    /// What the hook adds to the count: `instructions`, or kSlow when it must look closer: at a
    /// block not described yet, one with a breakpoint, or one that begins with a repeated string
    /// instruction.
    std::uint64_t weight = kSlow;
    std::uint64_t pc = 0;
    std::uint64_t repeat_pc = kNoRepeat;  ///< Address of a REP string instruction that ends the
                                          ///< block.
    std::uint16_t bytes = 0;
    std::uint16_t instructions = 0;  ///< The ones that count.
    std::uint16_t all = 0;           ///< With those that do not: EngineHost::counts_instruction.
    std::uint16_t transfers = 0;     ///< Control transfers among those that count.
    std::uint16_t clear = kAll;  ///< Of all, those in front of the first breakpoint that is not at
                                 ///< the block's start.
    bool described = false;
    bool has_breakpoint = false;
    bool starts_at_breakpoint = false;
    std::uint32_t shapes = 0;  ///< Where its instructions' shapes are: InsnShapes.

    static constexpr std::uint16_t kAll = 0xffff;
    static constexpr std::uint64_t kNoRepeat = ~0ULL;
    /// More than any count of instructions can be.
    static constexpr std::uint64_t kSlow = 1ULL << 62;
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
    void add(const cpu::InsnShape& shape, bool counts) {
        shapes_.push_back(static_cast<std::uint8_t>(shape.length | (counts ? kCounts : 0) |
                                                    (counts && shape.transfer ? kTransfer : 0)));
    }
    [[nodiscard]] std::size_t length(std::size_t index) const { return shapes_[index] & 0xfU; }
    [[nodiscard]] bool transfer(std::size_t index) const {
        return (shapes_[index] & kTransfer) != 0;
    }
    [[nodiscard]] bool counts(std::size_t index) const { return (shapes_[index] & kCounts) != 0; }

private:
    static constexpr std::size_t kMost = 16U << 20;
    static constexpr unsigned kTransfer = 0x10;
    static constexpr unsigned kCounts = 0x20;
    std::vector<std::uint8_t> shapes_;
};

/// The blocks of one engine, until its translations are thrown away. Addresses stay.
class BlockInfos {
public:
    [[nodiscard]] BlockInfo& add() {
        if (used_ == kPerChunk || chunks_.empty()) {
            chunks_.push_back(std::make_unique<Chunk>());
            used_ = 0;
        }
        return chunks_.back()->at(used_++);
    }
    void clear() {
        chunks_.clear();
        used_ = 0;
    }
    /// All are to be described anew.
    void forget_descriptions() {
        for (const std::unique_ptr<Chunk>& chunk : chunks_) {
            for (BlockInfo& info : *chunk) {
                info.described = false;
                info.weight = BlockInfo::kSlow;
            }
        }
    }

private:
    static constexpr std::size_t kPerChunk = 512;
    using Chunk = std::array<BlockInfo, kPerChunk>;
    std::vector<std::unique_ptr<Chunk>> chunks_;
    std::size_t used_ = 0;
};

}  // namespace trapgate::emu
