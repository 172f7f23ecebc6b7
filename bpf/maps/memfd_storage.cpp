// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/maps/memfd_storage.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/unique_fd.hpp"

namespace trapgate::bpf {

namespace {

/// Twice the size of any block is reserved, so that release() needs no memory of whether there was
/// a mirror.
std::uint64_t reserved_bytes(std::uint64_t bytes) { return 2 * bytes; }

}  // namespace

Result<StorageBlock> MemfdStorage::allocate(std::uint64_t bytes, std::uint64_t mirrored_tail) {
    TG_CHECK(bytes > 0 && bytes % kPageBytes == 0, "storage comes in whole pages");
    TG_CHECK(mirrored_tail <= bytes && mirrored_tail % kPageBytes == 0, "mirror of whole pages");
    UniqueFd fd(memfd_create("trapgate-map", MFD_CLOEXEC));
    if (!fd || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
        return fail_errno(ENOMEM, "no memory for a map");
    }
    void* const reserved = mmap(nullptr, reserved_bytes(bytes), PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
        return fail_errno(ENOMEM, "no address space for a map");
    }
    auto* const host = static_cast<std::byte*>(reserved);
    constexpr int kProt = PROT_READ | PROT_WRITE;
    const auto tail_at = static_cast<off_t>(bytes - mirrored_tail);
    const bool mapped = mmap(host, bytes, kProt, MAP_SHARED | MAP_FIXED, fd.get(), 0) !=
                            MAP_FAILED &&
                        (mirrored_tail == 0 ||
                         mmap(host + bytes, mirrored_tail, kProt, MAP_SHARED | MAP_FIXED, fd.get(),
                              tail_at) != MAP_FAILED);
    if (!mapped) {
        munmap(reserved, reserved_bytes(bytes));
        return fail_errno(ENOMEM, "cannot map a map's memory");
    }
    return StorageBlock{host, reinterpret_cast<std::uint64_t>(host), bytes, fd.release(), 0};
}

void MemfdStorage::release(const StorageBlock& block) {
    munmap(block.host, reserved_bytes(block.bytes));
    ::close(block.fd);
}

}  // namespace trapgate::bpf
