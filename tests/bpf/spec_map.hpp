// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bpf/maps/map.hpp"

namespace trapgate::bpf::test {

/// A map that is nothing but its attributes: all that the verifier looks at.
class SpecMap final : public Map {
public:
    explicit SpecMap(MapSpec spec) : Map(std::move(spec)) {}
    int lookup(std::span<const std::byte>, std::span<std::byte>) override { return -ENOENT; }
    int update(std::span<const std::byte>, std::span<const std::byte>, std::uint64_t) override {
        return -EINVAL;
    }
    int erase(std::span<const std::byte>) override { return -EINVAL; }
    int next_key(std::span<const std::byte>, std::span<std::byte>) override { return -ENOENT; }
};

}  // namespace trapgate::bpf::test
