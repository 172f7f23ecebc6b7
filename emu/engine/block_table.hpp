// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

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

    static constexpr std::uint16_t kAll = 0xffff;
    static constexpr std::uint64_t kNoRepeat = ~0ULL;
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
