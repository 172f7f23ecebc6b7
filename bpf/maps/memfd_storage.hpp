// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "bpf/storage.hpp"

namespace trapgate::bpf {

/// Storage without a machine: each block is a memfd of its own, mapped into this process, and
/// "guest" addresses are host addresses. For tools and tests that run programs on the host.
class MemfdStorage final : public Storage {
public:
    Result<StorageBlock> allocate(std::uint64_t bytes, std::uint64_t mirrored_tail) override;
    void release(const StorageBlock& block) override;
};

}  // namespace trapgate::bpf
