// SPDX-License-Identifier: GPL-2.0-only
// bpf_probe_read*: on an error the whole destination is zeroed. Arguments: destination, size,
// source.
#include <cerrno>
#include <cstring>

#include "bpf/runtime/guest_strings.hpp"
#include "bpf/runtime/helper_bodies.hpp"

namespace trapgate::bpf::helpers {
namespace {

std::uint64_t fail_zeroed(const HelperCall& call, int positive_errno) {
    call.write(call.args[0], std::vector<std::byte>(call.args[1]));
    return helper_error(positive_errno);
}

std::uint64_t copy(const HelperCall& call) {
    const std::vector<std::byte> bytes = call.read(call.args[2], call.args[1]);
    if (bytes.size() != call.args[1]) {
        return fail_zeroed(call, EFAULT);
    }
    call.write(call.args[0], bytes);
    return 0;
}

/// Returns the bytes written, NUL included; a string that is too long is cut.
std::uint64_t copy_string(const HelperCall& call) {
    const std::uint64_t size = call.args[1];
    if (size == 0) {
        return 0;
    }
    const std::optional<std::string> text = read_string(call.machine, GuestVa{call.args[2]}, size);
    if (!text) {
        return fail_zeroed(call, EFAULT);
    }
    std::string out = text->substr(0, size - 1);
    out += '\0';
    call.write(call.args[0], std::as_bytes(std::span(out)));
    return out.size();
}

}  // namespace

std::uint64_t probe_read_kernel(HelperCall& call) {
    return is_kernel_address(call.args[2]) ? copy(call) : fail_zeroed(call, ERANGE);
}

std::uint64_t probe_read_kernel_str(HelperCall& call) {
    return is_kernel_address(call.args[2]) ? copy_string(call) : fail_zeroed(call, ERANGE);
}

// The old helpers take user addresses too.
std::uint64_t probe_read(HelperCall& call) {
    return call.args[2] < kUserEnd ? copy(call) : probe_read_kernel(call);
}

std::uint64_t probe_read_str(HelperCall& call) {
    return call.args[2] < kUserEnd ? copy_string(call) : probe_read_kernel_str(call);
}

}  // namespace trapgate::bpf::helpers
