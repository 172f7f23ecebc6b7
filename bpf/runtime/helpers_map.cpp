// SPDX-License-Identifier: GPL-2.0-only
#include <cerrno>

#include <linux/bpf.h>

#include "bpf/maps/ringbuf.hpp"
#include "bpf/runtime/helper_bodies.hpp"

namespace trapgate::bpf::helpers {
namespace {

std::uint64_t from_errno(int zero_or_negative) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(zero_or_negative));
}

std::shared_ptr<RingbufMap> ring_of(const HelperCall& call) {
    return std::dynamic_pointer_cast<RingbufMap>(call.map(0));
}

/// Submit and discard get only the record: the ring is the one among the program's that it lies in.
std::uint64_t commit(HelperCall& call, bool (RingbufMap::*finish)(std::uint64_t, std::uint64_t)) {
    for (const std::shared_ptr<Map>& map : call.program.maps()) {
        auto* ring = dynamic_cast<RingbufMap*>(map.get());
        const std::uint64_t record = ring != nullptr ? ring->record_at(call.args[0]) : 0;
        if (record != 0) {
            if ((ring->*finish)(record, call.args[1]) && call.state.wakeup_sink) {
                call.state.wakeup_sink(*ring);
            }
            break;
        }
    }
    return 0;
}

}  // namespace

std::uint64_t map_lookup_elem(HelperCall& call) {
    const std::shared_ptr<Map> map = call.map(0);
    if (!map) {
        return 0;
    }
    const std::vector<std::byte> key = call.read(call.args[1], map->spec().key_size);
    return key.size() == map->spec().key_size ? map->value_va(key) : 0;
}

std::uint64_t map_update_elem(HelperCall& call) {
    const std::shared_ptr<Map> map = call.map(0);
    if (!map) {
        return helper_error(EINVAL);
    }
    return from_errno(map->update(call.read(call.args[1], map->spec().key_size),
                                  call.read(call.args[2], map->spec().value_size), call.args[3]));
}

std::uint64_t map_delete_elem(HelperCall& call) {
    const std::shared_ptr<Map> map = call.map(0);
    return map ? from_errno(map->erase(call.read(call.args[1], map->spec().key_size)))
               : helper_error(EINVAL);
}

std::uint64_t ringbuf_reserve(HelperCall& call) {
    const std::shared_ptr<RingbufMap> ring = ring_of(call);
    const std::uint64_t record = ring ? ring->reserve(call.args[1], call.args[2]) : 0;
    return record == 0 ? 0 : ring->block().guest_va + record;
}

std::uint64_t ringbuf_submit(HelperCall& call) { return commit(call, &RingbufMap::submit); }

std::uint64_t ringbuf_discard(HelperCall& call) { return commit(call, &RingbufMap::discard); }

std::uint64_t ringbuf_output(HelperCall& call) {
    const std::shared_ptr<RingbufMap> ring = ring_of(call);
    if (!ring) {
        return helper_error(EINVAL);
    }
    bool wake = false;
    const int result = ring->output(call.read(call.args[1], call.args[2]), call.args[3], &wake);
    if (wake && call.state.wakeup_sink) {
        call.state.wakeup_sink(*ring);
    }
    return from_errno(result);
}

std::uint64_t ringbuf_query(HelperCall& call) {
    const std::shared_ptr<RingbufMap> ring = ring_of(call);
    return ring ? ring->query(call.args[1]) : 0;
}

}  // namespace trapgate::bpf::helpers
