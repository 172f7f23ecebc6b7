// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/mappings.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>

#include "base/address.hpp"

namespace trapgate::kernel {
namespace {

constexpr int kErrnoNotSupported = 524;

/// The consumer page alone may be written; then come the producer page and the data, twice.
tl::expected<std::vector<MappingPiece>, int> ring_pieces(const bpf::StorageBlock& block,
                                                         const MapObject& object,
                                                         std::uint64_t bytes, bool writable,
                                                         std::uint64_t offset) {
    if (writable && (offset != 0 || bytes != kPageBytes)) {
        return tl::unexpected(EPERM);
    }
    const std::uint64_t data = object.map->spec().max_entries;
    const std::uint64_t once = 2 * kPageBytes + data;
    if (bytes > once + data || offset > once + data - bytes) {
        return tl::unexpected(EINVAL);
    }
    std::vector<MappingPiece> pieces;
    const std::uint64_t end = offset + bytes;
    if (offset < once) {
        pieces.push_back({block.fd, block.fd_offset + offset, std::min(end, once) - offset});
    }
    if (end > once) {
        const std::uint64_t begin = std::max(offset, once);
        pieces.push_back({block.fd, block.fd_offset + begin - data, end - begin});
    }
    return pieces;
}

}  // namespace

tl::expected<std::vector<MappingPiece>, int> mapping_pieces(const MapObject& object,
                                                            std::uint64_t bytes, int protection,
                                                            int flags, std::uint64_t offset) {
    bytes = page_align_up(bytes);
    if (bytes == 0 || offset % kPageBytes != 0) {
        return tl::unexpected(EINVAL);
    }
    const bpf::StorageBlock* block = object.map->shared();
    const bpf::MapSpec& spec = object.map->spec();
    const bool is_array = spec.type == BPF_MAP_TYPE_ARRAY;
    if (!object.is_ring() && !is_array) {
        return tl::unexpected(kErrnoNotSupported);
    }
    if ((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE) {
        return tl::unexpected(EINVAL);
    }
    const bool writable = (protection & PROT_WRITE) != 0;
    if (writable && object.frozen) {
        return tl::unexpected(EPERM);
    }
    if (writable && (spec.map_flags & BPF_F_RDONLY_PROG) != 0) {
        return tl::unexpected(EACCES);
    }
    if (block == nullptr) {
        return tl::unexpected(EINVAL);
    }
    if (object.is_ring()) {
        return ring_pieces(*block, object, bytes, writable, offset);
    }
    const std::uint64_t shown = page_align_up(block->bytes);
    if ((spec.map_flags & BPF_F_MMAPABLE) == 0 || bytes > shown || offset > shown - bytes) {
        return tl::unexpected(EINVAL);
    }
    return std::vector<MappingPiece>{{block->fd, block->fd_offset + offset, bytes}};
}

void* Mappings::map(void* address, std::size_t bytes, int protection, int flags,
                    std::shared_ptr<MapObject> object, std::uint64_t offset) {
    const auto pieces = mapping_pieces(*object, bytes, protection, flags, offset);
    if (!pieces) {
        errno = pieces.error();
        return MAP_FAILED;
    }
    // One reservation finds the place (or takes the given one), the pieces then go over it.
    const std::uint64_t whole = page_align_up(bytes);
    const int place_flags = MAP_PRIVATE | MAP_ANONYMOUS |
                            (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE));
    void* const base = ::mmap(address, whole, PROT_NONE, place_flags, -1, 0);
    if (base == MAP_FAILED) {
        return MAP_FAILED;
    }
    auto* at = static_cast<std::byte*>(base);
    for (const MappingPiece& piece : *pieces) {
        if (::mmap(at, piece.bytes, protection, MAP_SHARED | MAP_FIXED, piece.fd,
                   static_cast<off_t>(piece.offset)) == MAP_FAILED) {
            const int error = errno;
            ::munmap(base, whole);
            errno = error;
            return MAP_FAILED;
        }
        at += piece.bytes;
    }
    std::vector<Mapping> gone;
    const std::lock_guard lock(mutex_);
    const auto begin = reinterpret_cast<std::uint64_t>(base);
    forget(begin, begin + whole, gone);
    const bool writable = (protection & PROT_WRITE) != 0;
    object->writable_mmaps += writable ? 1 : 0;
    by_address_.emplace(begin, Mapping{begin + whole, writable, std::move(object)});
    return base;
}

/// Takes [begin, end) out of the table; what is left of a mapping on either side stays.
void Mappings::forget(std::uint64_t begin, std::uint64_t end, std::vector<Mapping>& gone) {
    auto at = by_address_.upper_bound(begin);
    if (at != by_address_.begin()) {
        --at;
    }
    while (at != by_address_.end() && at->first < end) {
        if (at->second.end <= begin) {
            ++at;
            continue;
        }
        const std::uint64_t first = at->first;
        Mapping cut = std::move(at->second);
        at = by_address_.erase(at);
        const auto keep = [&](std::uint64_t from, std::uint64_t to) {
            if (from < to) {
                cut.object->writable_mmaps += cut.writable ? 1 : 0;
                by_address_.emplace(from, Mapping{to, cut.writable, cut.object});
            }
        };
        keep(first, std::min(begin, cut.end));
        keep(std::max(end, first), cut.end);
        cut.object->writable_mmaps -= cut.writable ? 1 : 0;
        gone.push_back(std::move(cut));
        at = by_address_.lower_bound(std::max(first + 1, begin));
    }
}

int Mappings::unmap(void* address, std::size_t bytes) {
    const int result = ::munmap(address, bytes);
    if (result == 0) {
        std::vector<Mapping> gone;  // Freed after the lock.
        const std::lock_guard lock(mutex_);
        const auto begin = reinterpret_cast<std::uint64_t>(address);
        forget(begin, begin + page_align_up(bytes), gone);
    }
    return result;
}

}  // namespace trapgate::kernel
