// SPDX-License-Identifier: GPL-2.0-only
// BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID: walking over all objects, and opening one by its
// number.
#include <cerrno>
#include <cstddef>

#include "kernel/api/call.hpp"

namespace trapgate::kernel {
namespace {

template <class T>
long get_next_id(Call& call, IdTable<T>& table) {
    if (call.attr.start_id >= INT32_MAX) {
        return -EINVAL;
    }
    const auto next = table.next(call.attr.start_id);
    if (!next) {
        return -ENOENT;
    }
    return call.caller.write_value(call.attr_address + offsetof(union bpf_attr, next_id), *next)
               ? 0
               : -EFAULT;
}

template <class T>
long get_fd(Call& call, const IdTable<T>& table, Access access) {
    auto object = table.find(call.attr.map_id);  // All commands have their id at this place.
    if (object == nullptr) {
        return -ENOENT;
    }
    return install(call, std::move(object), access);
}

}  // namespace

long map_get_next_id(Call& call) { return get_next_id(call, call.maps()); }
long prog_get_next_id(Call& call) { return get_next_id(call, call.programs()); }
long btf_get_next_id(Call& call) {
    call.kernel.kernel_btf();
    return get_next_id(call, call.btfs());
}
long link_get_next_id(Call& call) { return get_next_id(call, call.links()); }

long map_get_fd_by_id(Call& call) {
    constexpr std::uint32_t kBoth = BPF_F_RDONLY | BPF_F_WRONLY;
    const std::uint32_t flags = call.attr.open_flags;
    if ((flags & ~kBoth) != 0 || flags == kBoth) {
        return -EINVAL;
    }
    const Access access = flags == 0              ? Access::ReadWrite
                          : flags == BPF_F_RDONLY ? Access::ReadOnly
                                                  : Access::WriteOnly;
    return get_fd(call, call.maps(), access);
}
long prog_get_fd_by_id(Call& call) { return get_fd(call, call.programs(), Access::ReadWrite); }
long btf_get_fd_by_id(Call& call) {
    call.kernel.kernel_btf();
    return get_fd(call, call.btfs(), Access::ReadOnly);
}
long link_get_fd_by_id(Call& call) { return get_fd(call, call.links(), Access::ReadWrite); }

}  // namespace trapgate::kernel
