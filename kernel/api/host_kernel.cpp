// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/host_kernel.hpp"

#include <cerrno>
#include <utility>

#include <sys/mman.h>

namespace trapgate::kernel {

HostKernel::HostKernel(GuestFacts guest, bpf::Storage& storage, ProbeBackend& probes)
    : guest_(std::move(guest)), storage_(storage), probes_(probes) {}

HostKernel::~HostKernel() = default;

void HostKernel::reap() { handles_.reap(); }

std::shared_ptr<BtfObject> HostKernel::kernel_btf() {
    const std::span<const std::byte> bytes = guest_.btf();
    if (kernel_btf_ == nullptr && !bytes.empty()) {
        kernel_btf_ = std::make_shared<BtfObject>();
        kernel_btf_->bytes.assign(bytes.begin(), bytes.end());
        kernel_btf_->name = "vmlinux";
        kernel_btf_->kernel_btf = true;
        btfs_.add(kernel_btf_);
    }
    return kernel_btf_;
}

void* HostKernel::mmap(void* address, std::size_t bytes, int protection, int flags, int fd,
                       std::uint64_t offset) {
    const auto found = handles_.find(fd);
    auto object = found ? std::dynamic_pointer_cast<MapObject>(found->object) : nullptr;
    if (object == nullptr) {
        errno = found ? ENODEV : found.error();
        return MAP_FAILED;
    }
    const bool readable = can_read(found->access);
    const bool writable = can_write(found->access) || (protection & PROT_WRITE) == 0;
    if (!readable || !writable) {
        errno = EACCES;
        return MAP_FAILED;
    }
    return mappings_.map(address, bytes, protection, flags, std::move(object), offset);
}

int HostKernel::munmap(void* address, std::size_t bytes) { return mappings_.unmap(address, bytes); }

}  // namespace trapgate::kernel
