// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stream.hpp"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace trapgate::cli {
namespace {

constexpr std::size_t kBufferBytes = 16384;

}  // namespace

void OutputStream::write(std::string_view text) {
    buffer_ += text;
    if (text.find('\n') != std::string_view::npos || buffer_.size() >= kBufferBytes) {
        flush();
    }
}

void OutputStream::flush() {
    std::string_view rest = buffer_;
    while (!rest.empty() && !broken_) {
        const ssize_t written = ::write(fd_, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            // Somebody else made the descriptor non-blocking: wait for room.
            pollfd wanted{fd_, POLLOUT, 0};
            ::poll(&wanted, 1, -1);
        } else if (errno != EINTR) {
            broken_ = true;
        }
    }
    buffer_.clear();
}

OutputStream& standard_output() {
    static OutputStream stream(STDOUT_FILENO);
    return stream;
}

OutputStream& standard_error() {
    static OutputStream stream(STDERR_FILENO);
    return stream;
}

}  // namespace trapgate::cli
