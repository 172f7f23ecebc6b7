// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/address.hpp"

namespace trapgate::bpf {

/// What the formats that look behind a value need of the guest.
struct PrintkSource {
    /// A NUL-terminated string, at most `limit` bytes of it; nothing when it cannot be read.
    std::function<std::optional<std::string>(GuestVa va, std::size_t limit)> string_at;
    /// Bytes for %pI4 and %pI6; nothing when they cannot be read.
    std::function<std::optional<std::string>(GuestVa va, std::size_t bytes)> bytes_at;
    /// "vfs_open+0x10/0x80".
    std::function<std::string(GuestVa va)> symbol;
};

/// bpf_trace_printk's formatting (bpf_bprintf_prepare and bstr_printf of Linux 6.12): %d %i %u %x
/// %X with l and ll, %c, %s, %p %pK %px, %ps %pS %pB, %pks %pus, %pi4 %pI4 %pi6 %pI6, with flags
/// and width. `format` ends at its first NUL, which it must have. Returns the length, or -EINVAL as
/// Linux does. %p shows the address itself (Linux: a hash of it).
[[nodiscard]] int format_printk(std::string_view format, std::span<const std::uint64_t> args,
                                const PrintkSource& source, std::string& out);

}  // namespace trapgate::bpf
