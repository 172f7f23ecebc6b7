// SPDX-License-Identifier: GPL-2.0-only
// bpf(2) itself: the rules for the attributes' size, and one table of commands.
#include <algorithm>
#include <array>
#include <cerrno>

#include "kernel/api/call.hpp"

namespace trapgate::kernel {
namespace {

// The end of the last field a command knows, as in each CHECK_ATTR of Linux's kernel/bpf/syscall.c.
#define TG_END(field) (offsetof(union bpf_attr, field) + sizeof(bpf_attr::field))
#define TG_END_IN(part, field)                                                    \
    (offsetof(union bpf_attr, part) + offsetof(decltype(bpf_attr::part), field) + \
     sizeof(bpf_attr{}.part.field))

const std::array kCommands = {
    BpfCommand{BPF_MAP_CREATE, "map_create", TG_END(map_extra), map_create},
    BpfCommand{BPF_MAP_LOOKUP_ELEM, "map_lookup_elem", TG_END(flags), map_lookup_elem},
    BpfCommand{BPF_MAP_UPDATE_ELEM, "map_update_elem", TG_END(flags), map_update_elem},
    BpfCommand{BPF_MAP_DELETE_ELEM, "map_delete_elem", TG_END(key), map_delete_elem},
    BpfCommand{BPF_MAP_GET_NEXT_KEY, "map_get_next_key", TG_END(next_key), map_get_next_key},
    BpfCommand{BPF_MAP_FREEZE, "map_freeze", TG_END(map_fd), map_freeze},
    BpfCommand{BPF_PROG_LOAD, "prog_load", TG_END(core_relo_rec_size), prog_load},
    BpfCommand{BPF_PROG_BIND_MAP, "prog_bind_map", TG_END_IN(prog_bind_map, flags), prog_bind_map},
    BpfCommand{BPF_BTF_LOAD, "btf_load", TG_END(btf_log_level), btf_load},
    BpfCommand{BPF_OBJ_GET_INFO_BY_FD, "obj_get_info_by_fd", TG_END_IN(info, info),
               obj_get_info_by_fd},
    BpfCommand{BPF_LINK_CREATE, "link_create", TG_END_IN(link_create, kprobe_multi.cookies),
               link_create},
    BpfCommand{BPF_LINK_DETACH, "link_detach", TG_END_IN(link_detach, link_fd), link_detach},
    BpfCommand{BPF_MAP_GET_NEXT_ID, "map_get_next_id", TG_END(next_id), map_get_next_id},
    BpfCommand{BPF_PROG_GET_NEXT_ID, "prog_get_next_id", TG_END(next_id), prog_get_next_id},
    BpfCommand{BPF_BTF_GET_NEXT_ID, "btf_get_next_id", TG_END(next_id), btf_get_next_id},
    BpfCommand{BPF_LINK_GET_NEXT_ID, "link_get_next_id", TG_END(next_id), link_get_next_id},
    BpfCommand{BPF_MAP_GET_FD_BY_ID, "map_get_fd_by_id", TG_END(open_flags), map_get_fd_by_id},
    BpfCommand{BPF_PROG_GET_FD_BY_ID, "prog_get_fd_by_id", TG_END(prog_id), prog_get_fd_by_id},
    BpfCommand{BPF_BTF_GET_FD_BY_ID, "btf_get_fd_by_id", TG_END(btf_id), btf_get_fd_by_id},
    BpfCommand{BPF_LINK_GET_FD_BY_ID, "link_get_fd_by_id", TG_END(link_id), link_get_fd_by_id},
};

#undef TG_END
#undef TG_END_IN

}  // namespace

const BpfCommand* find_command(int cmd) {
    const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                    [cmd](const BpfCommand& c) { return c.cmd == cmd; });
    return found == kCommands.end() ? nullptr : &*found;
}

long HostKernel::bpf(Caller& caller, int cmd, std::uint64_t attr, std::uint32_t size) {
    reap();
    last_error_ = {};
    Call call{.kernel = *this, .caller = caller, .attr_address = attr};
    // bpf_check_uarg_tail_zero: a newer caller may hand over more than we know, if it uses none of
    // it.
    if (size > kPageBytes) {
        return -E2BIG;
    }
    if (size > sizeof(call.attr)) {
        const auto zero = caller.all_zero(attr + sizeof(call.attr), size - sizeof(call.attr));
        if (!zero) {
            return -EFAULT;
        }
        if (!*zero) {
            return call.fail(E2BIG, "the attributes use fields that this kernel does not know");
        }
    }
    auto bytes = std::as_writable_bytes(std::span(&call.attr, 1));
    if (!caller.read(attr, bytes.first(std::min<std::size_t>(size, bytes.size())))) {
        return -EFAULT;
    }
    const BpfCommand* command = find_command(cmd);
    if (command == nullptr) {
        return call.fail(EINVAL, "this kernel has no such bpf(2) command");
    }
    const auto rest = bytes.subspan(command->end);
    if (std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; })) {
        return call.fail(EINVAL, "fields behind the command's own are not zero", command->name);
    }
    return command->handler(call);
}

long HostKernel::bpf(int cmd, union bpf_attr* attr, std::uint32_t size) {
    return bpf(own_process_, cmd, reinterpret_cast<std::uint64_t>(attr), size);
}

}  // namespace trapgate::kernel
