// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/miss_reason.hpp"

#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {
namespace {

std::vector<MissReason> that_happened(std::vector<MissReason> misses) {
    std::erase_if(misses, [](const MissReason& miss) { return miss.count == 0; });
    return misses;
}

}  // namespace

std::vector<MissReason> misses_of(const Kprobe& probe) {
    return that_happened({{kMissedInside, probe.nmissed()}});
}

std::vector<MissReason> misses_of(const Kretprobe& probe) {
    return that_happened({{kMissedInside, probe.nmissed() - probe.exhausted()},
                          {kMissedMaxactive, probe.exhausted()}});
}

}  // namespace trapgate::kernel
