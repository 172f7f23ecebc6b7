// SPDX-License-Identifier: GPL-2.0-only
// One bpf(2) call under way, and the table of all commands. Only the files of kernel/api include
// this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <linux/bpf.h>

#include "kernel/api/host_kernel.hpp"

namespace trapgate::kernel {

/// The kernel's internal ENOTSUPP, which bpf(2) lets out.
inline constexpr int kErrnoNotSupported = 524;

/// What a handler works with: the attributes, copied from the caller and zero-filled, and the
/// tables.
struct Call {
    HostKernel& kernel;
    Caller& caller;
    union bpf_attr attr{};
    std::uint64_t attr_address = 0;  ///< In the caller's memory, for answers that go back into it.

    /// Remembers why (HostKernel::last_error) and gives the negative errno.
    long fail(int linux_errno, std::string what, std::string where = {}, std::string hint = {}) {
        return fail(Error{std::move(what), std::move(where), std::move(hint), linux_errno});
    }
    long fail(const Error& error) {
        kernel.last_error_ = error;
        return -error.linux_errno;
    }

    [[nodiscard]] bpf::Storage& storage() { return kernel.storage_; }
    [[nodiscard]] ProbeBackend& probes() { return kernel.probes_; }
    [[nodiscard]] IdTable<MapObject>& maps() { return kernel.maps_; }
    [[nodiscard]] IdTable<ProgramObject>& programs() { return kernel.programs_; }
    [[nodiscard]] IdTable<BtfObject>& btfs() { return kernel.btfs_; }
    [[nodiscard]] IdTable<LinkObject>& links() { return kernel.links_; }
};

/// One command of bpf(2).
struct BpfCommand {
    enum bpf_cmd cmd;
    const char* name;
    /// Where the command's part of the attributes ends; bytes behind it must be zero, or EINVAL
    /// (CHECK_ATTR).
    std::size_t end;
    long (*handler)(Call& call);
};

/// Null for a command that does not exist here; Linux then gives EINVAL.
[[nodiscard]] const BpfCommand* find_command(int cmd);

long map_create(Call& call);
long map_lookup_elem(Call& call);
long map_update_elem(Call& call);
long map_delete_elem(Call& call);
long map_get_next_key(Call& call);
long map_freeze(Call& call);
long prog_load(Call& call);
long prog_bind_map(Call& call);
long btf_load(Call& call);
long obj_get_info_by_fd(Call& call);
long link_create(Call& call);
long link_detach(Call& call);
long map_get_next_id(Call& call);
long prog_get_next_id(Call& call);
long btf_get_next_id(Call& call);
long link_get_next_id(Call& call);
long map_get_fd_by_id(Call& call);
long prog_get_fd_by_id(Call& call);
long btf_get_fd_by_id(Call& call);
long link_get_fd_by_id(Call& call);

/// Gives the caller a descriptor for a new reference to `object`.
[[nodiscard]] long install(Call& call, std::shared_ptr<Object> object,
                           Access access = Access::ReadWrite);

/// BPF object names: letters, digits, '_' and '.', NUL-terminated within BPF_OBJ_NAME_LEN. EINVAL.
[[nodiscard]] Result<std::string> object_name(std::span<const char> field);

/// Ties `program` to `event` as PERF_EVENT_IOC_SET_BPF and BPF_LINK_CREATE do: 0 or a negative
/// errno.
[[nodiscard]] long set_event_program(PerfEventObject& event, std::shared_ptr<ProgramObject> program,
                                     std::uint64_t cookie);

}  // namespace trapgate::kernel
