// SPDX-License-Identifier: GPL-2.0-only
// mmap(2) of a map's descriptor. What a mapping shows, and whether it is allowed, is Linux's
// (bpf_map_mmap and the map types' own rules); how it comes about is a piece of shared memory or
// several behind each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <tl/expected.hpp>

#include "kernel/api/object.hpp"

namespace trapgate::kernel {

/// A range of a shared-memory descriptor.
struct MappingPiece {
    int fd = -1;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    bool operator==(const MappingPiece&) const = default;
};

/// The pieces that mmap(NULL, bytes, protection, flags, descriptor of `object`, offset) shows one
/// behind the other; or a positive errno. A ring's data is there twice.
[[nodiscard]] tl::expected<std::vector<MappingPiece>, int> mapping_pieces(const MapObject& object,
                                                                          std::uint64_t bytes,
                                                                          int protection, int flags,
                                                                          std::uint64_t offset);

/// The mappings of this process. Each keeps its map alive, as on Linux: without that, the memory
/// could become another map's under the eyes of whoever mapped it. Any thread.
class Mappings {
public:
    /// As mmap(2): MAP_FAILED and errno.
    [[nodiscard]] void* map(void* address, std::size_t bytes, int protection, int flags,
                            std::shared_ptr<MapObject> object, std::uint64_t offset);
    /// As munmap(2), for any range.
    int unmap(void* address, std::size_t bytes);

private:
    struct Mapping {
        std::uint64_t end = 0;
        bool writable = false;
        std::shared_ptr<MapObject> object;
    };
    void forget(std::uint64_t begin, std::uint64_t end, std::vector<Mapping>& gone);

    std::mutex mutex_;
    std::map<std::uint64_t, Mapping> by_address_;
};

}  // namespace trapgate::kernel
