// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/maps/hash.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <linux/bpf.h>

#include "base/address.hpp"

namespace trapgate::bpf {

namespace {

constexpr std::uint64_t kHeaderBytes = 8;
constexpr std::uint64_t kLinkBytes = sizeof(std::uint32_t);

std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) & ~7ULL; }

std::uint64_t buckets_of(const MapSpec& spec) {
    return std::bit_ceil(std::uint64_t{spec.max_entries});
}

std::uint64_t stride_of(const MapSpec& spec) {
    return kHeaderBytes + padded(spec.key_size) + padded(spec.value_size);
}

std::uint64_t elements_at(const MapSpec& spec) { return padded(buckets_of(spec) * kLinkBytes); }

}  // namespace

Result<std::unique_ptr<Map>> HashMap::make(const MapSpec& spec, Storage& storage) {
    const std::uint64_t bytes = elements_at(spec) +
                                stride_of(spec) * (std::uint64_t{spec.max_entries} + 1);
    Result<StorageBlock> block = storage.allocate(page_align_up(bytes), 0);
    if (!block) {
        return tl::unexpected(block.error());
    }
    return std::unique_ptr<Map>(new HashMap(spec, storage, *block));
}

HashMap::HashMap(const MapSpec& spec, Storage& storage, const StorageBlock& block)
    : Map(spec), storage_(storage), block_(block) {}

HashMap::~HashMap() { storage_.release(block_); }

/// FNV-1a: the same everywhere, with no seed, so that walks repeat.
std::uint32_t HashMap::hash_of(std::span<const std::byte> key) const {
    std::uint32_t hash = 2166136261U;
    for (const std::byte b : key.first(spec().key_size)) {
        hash = (hash ^ std::to_integer<std::uint32_t>(b)) * 16777619U;
    }
    return hash;
}

std::uint64_t HashMap::element_offset(std::uint32_t element) const {
    return elements_at(spec()) + stride_of(spec()) * (element - 1ULL);
}

std::uint64_t HashMap::value_offset(std::uint32_t element) const {
    return element_offset(element) + kHeaderBytes + padded(spec().key_size);
}

/// The guest can write the table: a number that cannot be an element ends the chain.
std::uint32_t HashMap::link_at(std::uint64_t offset) const {
    std::uint32_t element = 0;
    std::memcpy(&element, block_.host + offset, sizeof(element));
    return element <= std::uint64_t{spec().max_entries} + 1 ? element : 0;
}

void HashMap::set_link(std::uint64_t offset, std::uint32_t element) {
    std::memcpy(block_.host + offset, &element, sizeof(element));
}

HashMap::Place HashMap::find(std::span<const std::byte> key, std::uint32_t hash) const {
    Place place{.element = 0, .link = (hash & (buckets_of(spec()) - 1)) * kLinkBytes};
    for (std::uint32_t steps = 0; steps <= spec().max_entries; ++steps) {
        place.element = link_at(place.link);
        if (place.element == 0) {
            return place;
        }
        const std::byte* element = block_.host + element_offset(place.element);
        std::uint32_t its_hash = 0;
        std::memcpy(&its_hash, element + 4, sizeof(its_hash));
        if (its_hash == hash &&
            std::memcmp(element + kHeaderBytes, key.data(), spec().key_size) == 0) {
            return place;
        }
        place.link = element_offset(place.element);
    }
    return {.element = 0, .link = place.link};
}

std::uint64_t HashMap::value_va(std::span<const std::byte> key) const {
    if (key.size() < spec().key_size) {
        return 0;
    }
    const Place place = find(key, hash_of(key));
    return place.element == 0 ? 0 : block_.guest_va + value_offset(place.element);
}

int HashMap::lookup(std::span<const std::byte> key, std::span<std::byte> value) {
    if (key.size() < spec().key_size || value.size() < spec().value_size) {
        return -EFAULT;
    }
    const Place place = find(key, hash_of(key));
    if (place.element == 0) {
        return -ENOENT;
    }
    std::memcpy(value.data(), block_.host + value_offset(place.element), spec().value_size);
    return 0;
}

/// Elements that were given back longest ago come last of all, so that their old content lives on
/// for a while.
std::uint32_t HashMap::take_element() {
    if (never_used_ <= std::uint64_t{spec().max_entries} + 1) {
        return static_cast<std::uint32_t>(never_used_++);
    }
    if (free_.empty()) {
        return 0;
    }
    const std::uint32_t element = free_.front();
    free_.pop_front();
    return element;
}

int HashMap::update(std::span<const std::byte> key, std::span<const std::byte> value,
                    std::uint64_t flags) {
    if (flags > BPF_EXIST) {
        return -EINVAL;
    }
    if (key.size() < spec().key_size || value.size() < spec().value_size) {
        return -EFAULT;
    }
    const std::uint32_t hash = hash_of(key);
    const Place old = find(key, hash);
    if (old.element != 0 && flags == BPF_NOEXIST) {
        return -EEXIST;
    }
    if (old.element == 0 && flags == BPF_EXIST) {
        return -ENOENT;
    }
    if (old.element == 0 && used_ >= spec().max_entries) {
        return -E2BIG;
    }
    const std::uint32_t fresh = take_element();
    if (fresh == 0) {
        return -ENOMEM;  // Only after the guest has tied chains together.
    }
    std::byte* element = block_.host + element_offset(fresh);
    const std::uint32_t next = old.element != 0 ? link_at(element_offset(old.element)) : 0;
    std::memset(element, 0, stride_of(spec()));
    std::memcpy(element + 4, &hash, sizeof(hash));
    std::memcpy(element + kHeaderBytes, key.data(), spec().key_size);
    std::memcpy(block_.host + value_offset(fresh), value.data(), spec().value_size);
    set_link(element_offset(fresh), next);
    set_link(old.link, fresh);
    if (old.element != 0) {
        free_.push_back(old.element);
    } else {
        ++used_;
    }
    return 0;
}

int HashMap::erase(std::span<const std::byte> key) {
    if (key.size() < spec().key_size) {
        return -EFAULT;
    }
    const Place place = find(key, hash_of(key));
    if (place.element == 0) {
        return -ENOENT;
    }
    set_link(place.link, link_at(element_offset(place.element)));
    free_.push_back(place.element);
    used_ -= used_ > 0 ? 1 : 0;
    return 0;
}

std::uint32_t HashMap::first_from(std::uint32_t bucket) const {
    for (std::uint64_t b = bucket; b < buckets_of(spec()); ++b) {
        if (const std::uint32_t element = link_at(b * kLinkBytes); element != 0) {
            return element;
        }
    }
    return 0;
}

int HashMap::copy_key(std::uint32_t element, std::span<std::byte> out) const {
    if (element == 0) {
        return -ENOENT;
    }
    std::memcpy(out.data(), block_.host + element_offset(element) + kHeaderBytes, spec().key_size);
    return 0;
}

int HashMap::next_key(std::span<const std::byte> key, std::span<std::byte> next) {
    if (next.size() < spec().key_size || (!key.empty() && key.size() < spec().key_size)) {
        return -EFAULT;
    }
    if (key.empty()) {
        return copy_key(first_from(0), next);
    }
    const std::uint32_t hash = hash_of(key);
    const Place place = find(key, hash);
    if (place.element == 0) {
        return copy_key(first_from(0), next);
    }
    if (const std::uint32_t after = link_at(element_offset(place.element)); after != 0) {
        return copy_key(after, next);
    }
    const auto bucket = static_cast<std::uint32_t>(hash & (buckets_of(spec()) - 1));
    return copy_key(first_from(bucket + 1), next);
}

}  // namespace trapgate::bpf
