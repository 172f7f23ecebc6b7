// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/object.hpp"

#include "bpf/maps/ringbuf.hpp"

namespace trapgate::kernel {

std::uint64_t MapObject::ring_available() const {
    const auto* ring = dynamic_cast<const bpf::RingbufMap*>(map.get());
    return ring == nullptr ? 0 : ring->query(BPF_RB_AVAIL_DATA);
}

LinkObject::~LinkObject() { event->program.reset(); }

}  // namespace trapgate::kernel
