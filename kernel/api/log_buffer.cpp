// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/log_buffer.hpp"

#include <cerrno>
#include <cstddef>
#include <string>

namespace trapgate::kernel {
namespace {

constexpr std::uint32_t kLogMask = 1 | 2 | 4 | 8;  // LEVEL1, LEVEL2, STATS, FIXED
constexpr std::uint32_t kLogFixed = 8;

}  // namespace

bool LogBuffer::valid() const {
    const bool has_buffer = address_ != 0;
    return has_buffer == (size_ != 0) && !(has_buffer && level_ == 0) &&
           (level_ & ~kLogMask) == 0 && size_ <= UINT32_MAX >> 2;
}

long LogBuffer::finish(Caller& caller, std::string_view log) const {
    if (address_ == 0 || level_ == 0) {
        return 0;
    }
    const std::size_t room = size_ - std::size_t{1};
    const bool fits = log.size() <= room;
    std::string text(fits                        ? log
                     : (level_ & kLogFixed) != 0 ? log.substr(0, room)
                                                 : log.substr(log.size() - room));
    text.push_back('\0');
    if (!caller.write(address_, std::as_bytes(std::span(text)))) {
        return -EFAULT;
    }
    return fits ? 0 : -ENOSPC;
}

}  // namespace trapgate::kernel
