// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/guest_storage.hpp"

#include "base/check.hpp"

namespace trapgate::bpf {

Result<StorageBlock> GuestStorage::allocate(std::uint64_t bytes, std::uint64_t mirrored_tail) {
    const Result<emu::WindowBlock> block = machine_.window().allocate_data(bytes, mirrored_tail);
    if (!block) {
        return tl::unexpected(block.error());
    }
    if (Result<void> mapped = machine_.map_window(); !mapped) {
        machine_.window().free_data(*block);
        return tl::unexpected(mapped.error());
    }
    blocks_[block->va.value] = *block;
    return StorageBlock{block->host, block->va.value, block->bytes, block->fd, block->fd_offset};
}

void GuestStorage::release(const StorageBlock& block) {
    const auto found = blocks_.find(block.guest_va);
    TG_CHECK(found != blocks_.end(), "storage released twice");
    machine_.window().free_data(found->second);
    blocks_.erase(found);
}

}  // namespace trapgate::bpf
