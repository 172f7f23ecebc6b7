// SPDX-License-Identifier: GPL-2.0-only
// The Linux system-call face of the probes and programs in one guest: bpf(2), perf_event_open(2)
// and the perf ioctls, with Linux's own structures and errnos. Everything comes back as the system
// call would give it: a value, or a negative errno.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <linux/bpf.h>

#include "base/result.hpp"
#include "bpf/storage.hpp"
#include "kernel/api/caller.hpp"
#include "kernel/api/guest_facts.hpp"
#include "kernel/api/handles.hpp"
#include "kernel/api/mappings.hpp"
#include "kernel/api/object.hpp"
#include "kernel/api/probe_backend.hpp"
#include "kernel/api/virtual_files.hpp"

namespace trapgate::kernel {

/// All objects of one guest. Several may live in one process; a descriptor belongs to the one that
/// gave it. Calls are for the machine's own thread, but for sync_readiness().
class HostKernel {
public:
    /// `storage` (where maps live) and `probes` must outlive it.
    HostKernel(GuestFacts guest, bpf::Storage& storage, ProbeBackend& probes);
    ~HostKernel();
    HostKernel(const HostKernel&) = delete;
    HostKernel& operator=(const HostKernel&) = delete;

    // The system calls, for any caller.
    [[nodiscard]] long bpf(Caller& caller, int cmd, std::uint64_t attr, std::uint32_t size);
    [[nodiscard]] long perf_event_open(Caller& caller, std::uint64_t attr, int pid, int cpu,
                                       int group_fd, std::uint64_t flags);
    [[nodiscard]] long ioctl(Caller& caller, int fd, std::uint64_t request, std::uint64_t argument);

    // The same for this process.
    [[nodiscard]] long bpf(int cmd, union bpf_attr* attr, std::uint32_t size);
    [[nodiscard]] Caller& own_process() { return own_process_; }
    /// mmap(2) and munmap(2) of a descriptor of ours. MAP_FAILED with errno set, as the system
    /// call.
    [[nodiscard]] void* mmap(void* address, std::size_t bytes, int protection, int flags, int fd,
                             std::uint64_t offset);
    int munmap(void* address, std::size_t bytes);
    [[nodiscard]] bool owns(int fd) const { return handles_.find(fd).has_value(); }

    /// Notices descriptors that were closed, and lets their objects go (probes are disarmed, and so
    /// on). Every system call does it first; the run loop calls it before it runs the guest,
    /// because close(2) itself is not seen here.
    void reap();
    /// Makes poll and epoll agree with the rings. Any thread; called before waiting on a
    /// descriptor.
    void sync_readiness() { handles_.refresh(); }

    /// More about the last call that failed: a sentence, the place, a hint (nearest names). Empty
    /// `what`: nothing more is known than the errno.
    [[nodiscard]] const Error& last_error() const { return last_error_; }

    // What exists, for views. The answers keep their objects alive: do not hold them longer than
    // needed.
    [[nodiscard]] std::vector<std::shared_ptr<MapObject>> maps() const { return maps_.all(); }
    [[nodiscard]] std::vector<std::shared_ptr<ProgramObject>> programs() const {
        return programs_.all();
    }
    [[nodiscard]] std::vector<std::shared_ptr<LinkObject>> links() const { return links_.all(); }
    [[nodiscard]] std::vector<std::shared_ptr<BtfObject>> btfs() const { return btfs_.all(); }

    [[nodiscard]] const GuestFacts& guest() const { return guest_; }
    [[nodiscard]] HandleTable& handles() { return handles_; }
    /// The kernel files that programs see.
    [[nodiscard]] VirtualFiles& files() { return files_; }
    /// The guest kernel's BTF as an object (id 1 as on Linux); null when it has none.
    std::shared_ptr<BtfObject> kernel_btf();

private:
    friend struct Call;  // The handlers reach the tables through it.

    GuestFacts guest_;
    bpf::Storage& storage_;
    ProbeBackend& probes_;
    HandleTable handles_;
    OwnProcess own_process_{handles_};
    Mappings mappings_;
    VirtualFiles files_{guest_};
    IdTable<MapObject> maps_;
    IdTable<ProgramObject> programs_;
    IdTable<BtfObject> btfs_;
    IdTable<LinkObject> links_;
    std::shared_ptr<BtfObject> kernel_btf_;
    std::uint64_t next_perf_id_ = 1;
    Error last_error_;
};

}  // namespace trapgate::kernel
