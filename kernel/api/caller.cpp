// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/caller.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/uio.h>
#include <unistd.h>

#include "base/address.hpp"

namespace trapgate::kernel {
namespace {

// process_vm_readv(2) on oneself is a memcpy that answers EFAULT instead of raising SIGSEGV.
iovec vec(const void* at, std::size_t bytes) { return {const_cast<void*>(at), bytes}; }

/// Some sandboxes forbid the call; then a bad pointer does raise SIGSEGV.
bool is_forbidden(int error) { return error == EPERM || error == ENOSYS; }

void* pointer(std::uint64_t address) {
    return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

std::optional<std::string> Caller::read_string(std::uint64_t address, std::size_t limit) {
    std::string text;
    std::array<char, 64> piece{};
    while (text.size() < limit) {
        // Never over the end of a page: the next one need not be there.
        const std::uint64_t here = address + text.size();
        const std::size_t bytes = std::min(
            {piece.size(), limit - text.size(),
             static_cast<std::size_t>(kPageBytes - here % kPageBytes)});
        if (!read(here, std::as_writable_bytes(std::span(piece).first(bytes)))) {
            return std::nullopt;
        }
        const auto end = std::find(piece.begin(), piece.begin() + bytes, '\0');
        text.append(piece.begin(), end);
        if (end != piece.begin() + bytes) {
            break;
        }
    }
    return text;
}

std::optional<bool> Caller::all_zero(std::uint64_t address, std::uint64_t bytes) {
    std::array<std::byte, 256> piece{};
    for (std::uint64_t done = 0; done < bytes;) {
        const std::size_t now = std::min<std::uint64_t>(piece.size(), bytes - done);
        if (!read(address + done, std::span(piece).first(now))) {
            return std::nullopt;
        }
        if (!std::all_of(piece.begin(), piece.begin() + now,
                         [](std::byte b) { return b == std::byte{0}; })) {
            return false;
        }
        done += now;
    }
    return true;
}

bool OwnProcess::read(std::uint64_t address, std::span<std::byte> to) {
    if (to.empty()) {
        return true;
    }
    const iovec local = vec(to.data(), to.size());
    const iovec remote = vec(pointer(address), to.size());
    const ssize_t done = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
    if (done < 0 && is_forbidden(errno)) {
        std::memcpy(to.data(), pointer(address), to.size());
        return true;
    }
    return done == static_cast<ssize_t>(to.size());
}

bool OwnProcess::write(std::uint64_t address, std::span<const std::byte> from) {
    if (from.empty()) {
        return true;
    }
    const iovec local = vec(from.data(), from.size());
    const iovec remote = vec(pointer(address), from.size());
    const ssize_t done = ::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0);
    if (done < 0 && is_forbidden(errno)) {
        std::memcpy(pointer(address), from.data(), from.size());
        return true;
    }
    return done == static_cast<ssize_t>(from.size());
}

}  // namespace trapgate::kernel
