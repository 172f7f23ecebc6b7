// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

namespace trapgate::cli {

/// Buffered output to a descriptor that it does not own. A reader that has gone away (EPIPE) is no
/// error: the rest is dropped, and broken() says so.
class OutputStream {
public:
    explicit OutputStream(int fd) : fd_(fd) {}
    ~OutputStream() { flush(); }
    OutputStream(const OutputStream&) = delete;
    OutputStream& operator=(const OutputStream&) = delete;

    /// Writes through at each line's end.
    void write(std::string_view text);
    void flush();
    /// Nothing written any more arrives.
    [[nodiscard]] bool broken() const { return broken_; }
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
    bool broken_ = false;
    std::string buffer_;
};

/// The process's stdout and stderr. Only for the main thread.
[[nodiscard]] OutputStream& standard_output();
[[nodiscard]] OutputStream& standard_error();

}  // namespace trapgate::cli
