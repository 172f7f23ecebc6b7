// SPDX-License-Identifier: GPL-2.0-only
// BPF_LINK_CREATE and BPF_LINK_DETACH, for perf events.
#include <cerrno>
#include <memory>

#include "kernel/api/call.hpp"

namespace trapgate::kernel {
namespace {

bool runs_on_perf_events(std::uint32_t prog_type) {
    return prog_type == BPF_PROG_TYPE_KPROBE || prog_type == BPF_PROG_TYPE_TRACEPOINT ||
           prog_type == BPF_PROG_TYPE_PERF_EVENT;
}

}  // namespace

long link_create(Call& call) {
    const auto& attr = call.attr.link_create;
    const auto program = call.caller.object<ProgramObject>(static_cast<int>(attr.prog_fd));
    if (!program) {
        return -program.error();
    }
    if (attr.attach_type != BPF_PERF_EVENT ||
        !runs_on_perf_events((*program)->verified.prog_type)) {
        return call.fail(EINVAL, "this program cannot be attached this way", (*program)->name);
    }
    if (attr.flags != 0) {
        return -EINVAL;
    }
    const auto event = call.caller.object<PerfEventObject>(static_cast<int>(attr.target_fd));
    if (!event) {
        return call.fail(EBADF, "the target is not a perf event");
    }
    if (const long error = set_event_program(**event, *program, attr.perf_event.bpf_cookie);
        error != 0) {
        return error;
    }
    auto link = std::make_shared<LinkObject>(*program, *event);
    call.links().add(link);
    return install(call, std::move(link));
}

long link_detach(Call& call) {
    const auto link = call.caller.object<LinkObject>(
        static_cast<int>(call.attr.link_detach.link_fd));
    if (!link) {
        return -link.error();
    }
    return call.fail(EOPNOTSUPP, "a perf event's link is detached by closing it");
}

}  // namespace trapgate::kernel
