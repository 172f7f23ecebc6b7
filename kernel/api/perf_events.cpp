// SPDX-License-Identifier: GPL-2.0-only
// perf_event_open(2) for kprobes, and the ioctls of its descriptors.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include <linux/perf_event.h>

#include "kernel/api/call.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint64_t kKnownFlags = PERF_FLAG_FD_NO_GROUP | PERF_FLAG_FD_OUTPUT |
                                      PERF_FLAG_PID_CGROUP | PERF_FLAG_FD_CLOEXEC;
constexpr std::size_t kSymbolBytes = 512;  // KSYM_NAME_LEN
constexpr std::uint64_t kRetprobe = 1ULL
                                    << 0;  // /sys/bus/event_source/devices/kprobe/format/retprobe

/// perf_copy_attr: a size of 0 means the first version's; a wrong one is answered with the right
/// one.
long copy_attr(Caller& caller, std::uint64_t from, perf_event_attr& attr) {
    const std::uint64_t size_at = from + offsetof(perf_event_attr, size);
    std::uint32_t size = 0;
    if (!caller.read_value(size_at, size)) {
        return -EFAULT;
    }
    size = size == 0 ? PERF_ATTR_SIZE_VER0 : size;
    const auto wrong_size = [&] {
        return caller.write_value(size_at, static_cast<std::uint32_t>(sizeof(attr))) ? -E2BIG
                                                                                     : -EFAULT;
    };
    if (size < PERF_ATTR_SIZE_VER0 || size > kPageBytes) {
        return wrong_size();
    }
    if (size > sizeof(attr)) {
        const auto zero = caller.all_zero(from + sizeof(attr), size - sizeof(attr));
        if (!zero) {
            return -EFAULT;
        }
        if (!*zero) {
            return wrong_size();
        }
    }
    const auto bytes = std::as_writable_bytes(std::span(&attr, 1));
    if (!caller.read(from, bytes.first(std::min<std::size_t>(size, bytes.size())))) {
        return -EFAULT;
    }
    attr.size = size;
    const bool reserved = attr.__reserved_1 != 0 || attr.__reserved_2 != 0 ||
                          attr.__reserved_3 != 0;
    const bool unknown = (attr.sample_type & ~(PERF_SAMPLE_MAX - 1ULL)) != 0 ||
                         (attr.read_format & ~(PERF_FORMAT_MAX - 1ULL)) != 0;
    return reserved || unknown ? -EINVAL : 0;
}

/// Where a kprobe PMU event lies.
tl::expected<ProbeTarget, int> kprobe_target(Caller& caller, const perf_event_attr& attr) {
    ProbeTarget target;
    target.on_return = (attr.config & kRetprobe) != 0;
    if (attr.kprobe_func != 0) {
        const auto symbol = caller.read_string(attr.kprobe_func, kSymbolBytes);
        if (!symbol) {
            return tl::unexpected(EFAULT);
        }
        if (symbol->size() == kSymbolBytes) {
            return tl::unexpected(E2BIG);
        }
        target.symbol = *symbol;
    }
    if (target.symbol.empty()) {
        target.address = GuestVa{attr.kprobe_addr};
    } else {
        target.offset = attr.probe_offset;
    }
    return target;
}

}  // namespace

long set_event_program(PerfEventObject& event, std::shared_ptr<ProgramObject> program,
                       std::uint64_t cookie) {
    if (program->verified.prog_type != BPF_PROG_TYPE_KPROBE || program->placed == nullptr) {
        return -EINVAL;
    }
    if (event.program != nullptr) {
        return -EEXIST;
    }
    event.program = std::move(program);
    event.cookie = cookie;
    return 0;
}

long HostKernel::perf_event_open(Caller& caller, std::uint64_t attr_at, int pid, int cpu,
                                 int group_fd, std::uint64_t flags) {
    reap();
    last_error_ = {};
    Call call{.kernel = *this, .caller = caller, .attr_address = attr_at};
    if ((flags & ~kKnownFlags) != 0) {
        return -EINVAL;
    }
    perf_event_attr attr{};
    if (const long error = copy_attr(caller, attr_at, attr); error != 0) {
        return error;
    }
    if (attr.sample_period >> 63 != 0) {
        return -EINVAL;
    }
    if ((flags & PERF_FLAG_PID_CGROUP) != 0) {
        return call.fail(pid == -1 || cpu == -1 ? EINVAL : EOPNOTSUPP,
                         "there are no cgroups to follow");
    }
    if (group_fd != -1) {
        return call.fail(caller.object<PerfEventObject>(group_fd) ? EINVAL : EBADF,
                         "groups of events do not exist here");
    }
    if (pid != -1) {
        return call.fail(ESRCH, "events of one task only do not exist here", {},
                         "use pid -1 and a cpu");
    }
    if (cpu < 0 || static_cast<unsigned>(cpu) >= guest_.cpus) {
        return call.fail(EINVAL, "the guest has no such cpu");
    }
    if (attr.type != kKprobePmuType) {
        return call.fail(ENOENT, "no PMU of this type", {},
                         "see /sys/bus/event_source/devices/*/type");
    }
    const auto target = kprobe_target(caller, attr);
    if (!target) {
        return -target.error();
    }
    auto event = std::make_shared<PerfEventObject>();
    event->target = *target;
    event->perf_id = next_perf_id_++;
    event->enabled = attr.disabled == 0;
    auto armed = probes_.arm(*target, event);
    if (!armed) {
        return call.fail(armed.error());
    }
    event->armed = std::move(*armed);
    return caller.install(std::move(event), Access::ReadWrite);
}

long HostKernel::ioctl(Caller& caller, int fd, std::uint64_t request, std::uint64_t argument) {
    reap();
    last_error_ = {};
    const auto found = caller.find(fd);
    if (!found) {
        return found.error() == EBADF ? -EBADF : -ENOTTY;
    }
    auto event = std::dynamic_pointer_cast<PerfEventObject>(found->object);
    if (event == nullptr) {
        return -ENOTTY;
    }
    switch (request) {
        case PERF_EVENT_IOC_ENABLE: event->enabled = true; return 0;
        case PERF_EVENT_IOC_DISABLE: event->enabled = false; return 0;
        case PERF_EVENT_IOC_RESET: event->count = 0; return 0;
        case PERF_EVENT_IOC_ID: return caller.write_value(argument, event->perf_id) ? 0 : -EFAULT;
        case PERF_EVENT_IOC_SET_BPF: {
            auto program = caller.object<ProgramObject>(static_cast<int>(argument));
            return program ? set_event_program(*event, std::move(*program), 0) : -program.error();
        }
        default: return -ENOTTY;
    }
}

}  // namespace trapgate::kernel
