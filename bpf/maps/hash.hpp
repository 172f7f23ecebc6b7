// SPDX-License-Identifier: GPL-2.0-only
// BPF_MAP_TYPE_HASH as a position-independent table in shared memory:
//
//   bucket heads   u32 each, a power of two of them: number of the first element, 0 for none
//   elements       max_entries + 1, numbered from 1: { u32 next, u32 hash, key, value }, key and
//   value padded to 8
//
// An update of an existing key fills another element and then takes the old one out, as Linux does,
// so that a program that still holds the old value's address sees the old value until the next
// update. That is what the one spare element is for.
#pragma once

#include <deque>

#include "bpf/maps/map.hpp"

namespace trapgate::bpf {

class HashMap final : public Map {
public:
    [[nodiscard]] static Result<std::unique_ptr<Map>> make(const MapSpec& spec, Storage& storage);
    ~HashMap() override;

    int lookup(std::span<const std::byte> key, std::span<std::byte> value) override;
    int update(std::span<const std::byte> key, std::span<const std::byte> value,
               std::uint64_t flags) override;
    int erase(std::span<const std::byte> key) override;
    /// In the table's order: by bucket, oldest first. An unknown key starts again.
    int next_key(std::span<const std::byte> key, std::span<std::byte> next) override;
    [[nodiscard]] std::uint64_t value_va(std::span<const std::byte> key) const override;

private:
    /// Where an element hangs: its number, and the offset of the link that names it. Number 0: not
    /// there.
    struct Place {
        std::uint32_t element = 0;
        std::uint64_t link = 0;
    };

    HashMap(const MapSpec& spec, Storage& storage, const StorageBlock& block);
    [[nodiscard]] std::uint32_t hash_of(std::span<const std::byte> key) const;
    [[nodiscard]] Place find(std::span<const std::byte> key, std::uint32_t hash) const;
    [[nodiscard]] std::uint64_t element_offset(std::uint32_t element) const;
    [[nodiscard]] std::uint64_t value_offset(std::uint32_t element) const;
    [[nodiscard]] std::uint32_t link_at(std::uint64_t offset) const;
    void set_link(std::uint64_t offset, std::uint32_t element);
    [[nodiscard]] std::uint32_t first_from(std::uint32_t bucket) const;
    std::uint32_t take_element();
    int copy_key(std::uint32_t element, std::span<std::byte> out) const;

    Storage& storage_;
    StorageBlock block_;
    // The host's alone: the guest never makes elements.
    std::deque<std::uint32_t> free_;
    std::uint64_t never_used_ = 1;
    std::uint32_t used_ = 0;
};

}  // namespace trapgate::bpf
