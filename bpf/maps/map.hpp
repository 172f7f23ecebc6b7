// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "bpf/storage.hpp"

namespace trapgate::bpf {

/// What a map is made of; the words of union bpf_attr (BPF_MAP_CREATE) in <linux/bpf.h>.
struct MapSpec {
    std::uint32_t type = 0;  ///< enum bpf_map_type
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t max_entries = 0;
    std::uint32_t map_flags = 0;
    std::string name;
    bool operator==(const MapSpec&) const = default;
};

/// One map. Element operations return 0 or a negative errno, exactly Linux's for bpf(2); -EFAULT
/// when a span is shorter than the map's key or value (memory that could not be read whole).
class Map {
public:
    explicit Map(MapSpec spec) : spec_(std::move(spec)) {}
    virtual ~Map() = default;
    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;

    [[nodiscard]] const MapSpec& spec() const { return spec_; }

    /// Copies the value for `key` into `value` (value_size bytes). -ENOENT, -EOPNOTSUPP...
    virtual int lookup(std::span<const std::byte> key, std::span<std::byte> value) = 0;
    virtual int update(std::span<const std::byte> key, std::span<const std::byte> value,
                       std::uint64_t flags) = 0;
    virtual int erase(std::span<const std::byte> key) = 0;
    /// An empty `key` asks for the first one. -ENOENT after the last.
    virtual int next_key(std::span<const std::byte> key, std::span<std::byte> next) = 0;

    /// Guest address of the value for `key` (key_size bytes), for programs; 0 when there is none or
    /// the type has no values that programs may point at.
    [[nodiscard]] virtual std::uint64_t value_va(std::span<const std::byte> /*key*/) const {
        return 0;
    }

    /// The shared memory that mmap(2) of the map's descriptor shows; null when the type has none.
    [[nodiscard]] virtual const StorageBlock* shared() const { return nullptr; }

private:
    MapSpec spec_;
};

/// Checks the attributes as Linux's map_alloc_check does and makes the map. One table of types
/// lives in bpf/maps/map_types.cpp; a type that is only a row is refused with the errno of a kernel
/// built without it.
[[nodiscard]] Result<std::unique_ptr<Map>> make_map(const MapSpec& spec, Storage& storage);

}  // namespace trapgate::bpf
