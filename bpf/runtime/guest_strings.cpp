// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/guest_strings.hpp"

#include <algorithm>
#include <span>

namespace trapgate::bpf {

std::optional<std::string> read_string(const emu::Machine& machine, GuestVa va, std::size_t limit) {
    std::string out;
    while (out.size() < limit) {
        const GuestVa at = va + out.size();
        const std::uint64_t rest_of_page = kPageBytes - at.value % kPageBytes;
        std::string chunk(std::min<std::uint64_t>(rest_of_page, limit - out.size()), '\0');
        if (!machine.read(at, std::as_writable_bytes(std::span(chunk)))) {
            return std::nullopt;
        }
        const std::size_t end = chunk.find('\0');
        out.append(chunk, 0, end);
        if (end != std::string::npos) {
            break;
        }
    }
    return out;
}

}  // namespace trapgate::bpf
