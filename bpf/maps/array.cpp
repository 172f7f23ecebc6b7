// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/maps/array.hpp"

#include <cstring>

#include <linux/bpf.h>

#include "base/address.hpp"

namespace trapgate::bpf {

namespace {

std::uint32_t index_of(std::span<const std::byte> key) {
    std::uint32_t index = 0;
    std::memcpy(&index, key.data(), sizeof(index));
    return index;
}

bool is_key(std::span<const std::byte> key) { return key.size() >= sizeof(std::uint32_t); }

std::uint64_t stride_of(const MapSpec& spec) {
    return (std::uint64_t{spec.value_size} + 7) & ~7ULL;
}

}  // namespace

Result<std::unique_ptr<Map>> ArrayMap::make(const MapSpec& spec, Storage& storage) {
    const std::uint64_t bytes = page_align_up(stride_of(spec) * spec.max_entries);
    Result<StorageBlock> block = storage.allocate(bytes, 0);
    if (!block) {
        return tl::unexpected(block.error());
    }
    return std::unique_ptr<Map>(new ArrayMap(spec, storage, *block));
}

ArrayMap::ArrayMap(const MapSpec& spec, Storage& storage, const StorageBlock& block)
    : Map(spec), storage_(storage), block_(block) {}

ArrayMap::~ArrayMap() { storage_.release(block_); }

std::uint32_t ArrayMap::stride() const { return static_cast<std::uint32_t>(stride_of(spec())); }

std::byte* ArrayMap::element(std::uint32_t index) const {
    return block_.host + stride_of(spec()) * index;
}

std::uint64_t ArrayMap::value_va(std::span<const std::byte> key) const {
    if (!is_key(key) || index_of(key) >= spec().max_entries) {
        return 0;
    }
    return block_.guest_va + stride_of(spec()) * index_of(key);
}

int ArrayMap::lookup(std::span<const std::byte> key, std::span<std::byte> value) {
    if (!is_key(key) || value.size() < spec().value_size) {
        return -EFAULT;
    }
    const std::uint32_t index = index_of(key);
    if (index >= spec().max_entries) {
        return -ENOENT;
    }
    std::memcpy(value.data(), element(index), spec().value_size);
    return 0;
}

int ArrayMap::update(std::span<const std::byte> key, std::span<const std::byte> value,
                     std::uint64_t flags) {
    // BPF_F_LOCK needs a spin lock in the value, which needs BTF.
    if (flags > BPF_EXIST) {
        return -EINVAL;
    }
    if (!is_key(key) || value.size() < spec().value_size) {
        return -EFAULT;
    }
    const std::uint32_t index = index_of(key);
    if (index >= spec().max_entries) {
        return -E2BIG;
    }
    if (flags == BPF_NOEXIST) {
        return -EEXIST;
    }
    std::memcpy(element(index), value.data(), spec().value_size);
    return 0;
}

int ArrayMap::erase(std::span<const std::byte>) { return -EINVAL; }

int ArrayMap::next_key(std::span<const std::byte> key, std::span<std::byte> next) {
    if ((!key.empty() && !is_key(key)) || next.size() < sizeof(std::uint32_t)) {
        return -EFAULT;
    }
    std::uint32_t index = key.empty() ? spec().max_entries : index_of(key);
    if (index >= spec().max_entries) {
        index = 0;
    } else if (index == spec().max_entries - 1) {
        return -ENOENT;
    } else {
        ++index;
    }
    std::memcpy(next.data(), &index, sizeof(index));
    return 0;
}

}  // namespace trapgate::bpf
