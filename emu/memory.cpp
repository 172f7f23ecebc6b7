// SPDX-License-Identifier: GPL-2.0-only
#include "emu/memory.hpp"

#include <cstring>
#include <utility>

#include <sys/mman.h>

#include "base/check.hpp"

namespace trapgate::emu {

Result<SharedRegion> SharedRegion::create(const char* name, std::uint64_t bytes) {
    const std::uint64_t size = page_align_up(bytes);
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
    if (!fd) {
        return fail(std::strerror(errno), name, "memfd_create failed", errno);
    }
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
        return fail(std::strerror(errno), name, "not enough memory for the machine?", errno);
    }
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.get(),
                        0);
    if (data == MAP_FAILED) {
        return fail(std::strerror(errno), name, "not enough address space?", errno);
    }
    return SharedRegion(std::move(fd), static_cast<std::byte*>(data), size);
}

SharedRegion::SharedRegion(UniqueFd fd, std::byte* data, std::size_t size)
    : fd_(std::move(fd)), data_(data), size_(size) {}

SharedRegion::SharedRegion(SharedRegion&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SharedRegion::~SharedRegion() {
    if (data_ != nullptr) {
        ::munmap(data_, size_);
    }
}

void PhysicalMemory::add(GuestPa base, SharedRegion storage, bool in_e820) {
    const std::uint64_t end = base.value + storage.bytes().size();
    for (const Region& region : regions_) {
        const std::uint64_t region_end = region.base.value + region.storage.bytes().size();
        TG_CHECK(end <= region.base.value || base.value >= region_end,
                 "physical regions must not overlap");
    }
    regions_.push_back({base, std::move(storage), in_e820});
}

std::span<std::byte> PhysicalMemory::view(GuestPa pa, std::uint64_t bytes) const {
    for (const Region& region : regions_) {
        const std::span<std::byte> all = region.storage.bytes();
        const std::uint64_t offset = pa.value - region.base.value;
        if (pa >= region.base && offset <= all.size() && bytes <= all.size() - offset) {
            return all.subspan(offset, bytes);
        }
    }
    return {};
}

}  // namespace trapgate::emu
