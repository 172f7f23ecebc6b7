// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bpf/maps/map.hpp"

namespace trapgate::bpf {

/// BPF_MAP_TYPE_ARRAY: max_entries values, `stride` bytes apart, from the start of the block. Guest
/// code finds element i at value_va + i * stride.
class ArrayMap final : public Map {
public:
    [[nodiscard]] static Result<std::unique_ptr<Map>> make(const MapSpec& spec, Storage& storage);
    ~ArrayMap() override;

    int lookup(std::span<const std::byte> key, std::span<std::byte> value) override;
    int update(std::span<const std::byte> key, std::span<const std::byte> value,
               std::uint64_t flags) override;
    int erase(std::span<const std::byte> key) override;
    int next_key(std::span<const std::byte> key, std::span<std::byte> next) override;

    [[nodiscard]] std::uint64_t value_va(std::span<const std::byte> key) const override;
    /// The values' memory; mmap(2) may show it when BPF_F_MMAPABLE is set.
    [[nodiscard]] const StorageBlock* shared() const override { return &block_; }
    /// value_size rounded up to 8.
    [[nodiscard]] std::uint32_t stride() const;

private:
    ArrayMap(const MapSpec& spec, Storage& storage, const StorageBlock& block);
    [[nodiscard]] std::byte* element(std::uint32_t index) const;

    Storage& storage_;
    StorageBlock block_;
};

}  // namespace trapgate::bpf
