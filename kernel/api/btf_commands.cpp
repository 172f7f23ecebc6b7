// SPDX-License-Identifier: GPL-2.0-only
// BPF_BTF_LOAD.
#include <cerrno>
#include <string>
#include <vector>

#include "kernel/api/btf_check.hpp"
#include "kernel/api/call.hpp"
#include "kernel/api/log_buffer.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint32_t kMaxBtfBytes = 16 * 1024 * 1024;  // BTF_MAX_SIZE

}  // namespace

long btf_load(Call& call) {
    const union bpf_attr& attr = call.attr;
    if (attr.btf_size > kMaxBtfBytes) {
        return -E2BIG;
    }
    const LogBuffer log_buffer(attr.btf_log_level, attr.btf_log_size, attr.btf_log_buf);
    if (!log_buffer.valid()) {
        return call.fail(EINVAL, "the log's buffer, size and level do not fit together");
    }
    auto object = std::make_shared<BtfObject>();
    object->bytes.resize(attr.btf_size);
    if (!call.caller.read(attr.btf, object->bytes)) {
        return -EFAULT;
    }
    const Result<void> checked = check_btf(object->bytes);
    const std::string log = checked ? std::string() : checked.error().what + "\n";
    if (const long log_error = log_buffer.finish(call.caller, log); log_error != 0) {
        return log_error;
    }
    if (!checked) {
        return call.fail(checked.error());
    }
    call.kernel.kernel_btf();  // Takes its id first, as on Linux.
    call.btfs().add(object);
    return install(call, std::move(object), Access::ReadOnly);
}

}  // namespace trapgate::kernel
