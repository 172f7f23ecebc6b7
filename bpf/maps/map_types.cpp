// SPDX-License-Identifier: GPL-2.0-only
// The table of map types with Linux's attribute checks (map_alloc_check of each type in
// kernel/bpf).
#include "bpf/maps/map_types.hpp"

#include <bit>
#include <limits>

#include <fmt/format.h>

#include "base/address.hpp"
#include "bpf/maps/array.hpp"
#include "bpf/maps/hash.hpp"
#include "bpf/maps/ringbuf.hpp"

namespace trapgate::bpf {

namespace {

constexpr std::uint32_t kAccessFlags = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG |
                                       BPF_F_WRONLY_PROG;

bool access_ok(std::uint32_t flags) {
    return (flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) !=
           (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG);
}

int check_array(const MapSpec& spec) {
    // BPF_F_INNER_MAP is allowed for ARRAY; BPF_F_PRESERVE_ELEMS only for PERF_EVENT_ARRAY.
    constexpr std::uint32_t kAllowed = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | kAccessFlags |
                                       BPF_F_INNER_MAP;
    if (spec.max_entries == 0 || spec.key_size != 4 || spec.value_size == 0 ||
        (spec.map_flags & ~kAllowed) != 0 || !access_ok(spec.map_flags)) {
        return -EINVAL;
    }
    if (spec.value_size > std::numeric_limits<std::int32_t>::max()) {
        return -E2BIG;
    }
    return 0;
}

int check_ringbuf(const MapSpec& spec) {
    if ((spec.map_flags & ~static_cast<std::uint32_t>(BPF_F_NUMA_NODE)) != 0) {
        return -EINVAL;
    }
    if (spec.key_size != 0 || spec.value_size != 0 || !std::has_single_bit(spec.max_entries) ||
        spec.max_entries % kPageBytes != 0) {
        return -EINVAL;
    }
    return 0;
}

int check_hash(const MapSpec& spec) {
    constexpr std::uint32_t kAllowed = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE |
                                       kAccessFlags | BPF_F_ZERO_SEED;
    const bool is_plain = (spec.map_flags & BPF_F_NO_COMMON_LRU) == 0;
    if ((spec.map_flags & ~kAllowed) != 0 || !access_ok(spec.map_flags) || !is_plain) {
        return -EINVAL;
    }
    if (spec.max_entries == 0 || spec.key_size == 0 || spec.value_size == 0) {
        return -EINVAL;
    }
    // An element must fit into one allocation of the kernel: 4 MiB less its own header.
    constexpr std::uint64_t kMostElementBytes = (4 << 20) - 48;
    if (std::uint64_t{spec.key_size} + spec.value_size >= kMostElementBytes) {
        return -E2BIG;
    }
    return 0;
}

constexpr MapType kTypes[] = {
    {BPF_MAP_TYPE_UNSPEC, "unspec"},
    {BPF_MAP_TYPE_HASH, "hash", check_hash, HashMap::make},
    {BPF_MAP_TYPE_ARRAY, "array", check_array, ArrayMap::make},
    {BPF_MAP_TYPE_PROG_ARRAY, "prog_array"},
    {BPF_MAP_TYPE_PERF_EVENT_ARRAY, "perf_event_array"},
    {BPF_MAP_TYPE_PERCPU_HASH, "percpu_hash"},
    {BPF_MAP_TYPE_PERCPU_ARRAY, "percpu_array"},
    {BPF_MAP_TYPE_STACK_TRACE, "stack_trace"},
    {BPF_MAP_TYPE_CGROUP_ARRAY, "cgroup_array"},
    {BPF_MAP_TYPE_LRU_HASH, "lru_hash"},
    {BPF_MAP_TYPE_LRU_PERCPU_HASH, "lru_percpu_hash"},
    {BPF_MAP_TYPE_LPM_TRIE, "lpm_trie"},
    {BPF_MAP_TYPE_ARRAY_OF_MAPS, "array_of_maps"},
    {BPF_MAP_TYPE_HASH_OF_MAPS, "hash_of_maps"},
    {BPF_MAP_TYPE_DEVMAP, "devmap"},
    {BPF_MAP_TYPE_SOCKMAP, "sockmap"},
    {BPF_MAP_TYPE_CPUMAP, "cpumap"},
    {BPF_MAP_TYPE_XSKMAP, "xskmap"},
    {BPF_MAP_TYPE_SOCKHASH, "sockhash"},
    {BPF_MAP_TYPE_CGROUP_STORAGE, "cgroup_storage"},
    {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, "reuseport_sockarray"},
    {BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "percpu_cgroup_storage"},
    {BPF_MAP_TYPE_QUEUE, "queue"},
    {BPF_MAP_TYPE_STACK, "stack"},
    {BPF_MAP_TYPE_SK_STORAGE, "sk_storage"},
    {BPF_MAP_TYPE_DEVMAP_HASH, "devmap_hash"},
    {BPF_MAP_TYPE_STRUCT_OPS, "struct_ops"},
    {BPF_MAP_TYPE_RINGBUF, "ringbuf", check_ringbuf, RingbufMap::make},
    {BPF_MAP_TYPE_INODE_STORAGE, "inode_storage"},
    {BPF_MAP_TYPE_TASK_STORAGE, "task_storage"},
    {BPF_MAP_TYPE_BLOOM_FILTER, "bloom_filter"},
    {BPF_MAP_TYPE_USER_RINGBUF, "user_ringbuf"},
};

}  // namespace

std::span<const MapType> map_types() { return kTypes; }

std::string_view map_type_name(std::uint32_t type) {
    for (const MapType& row : kTypes) {
        if (row.type == type) {
            return row.name;
        }
    }
    return {};
}

Result<std::unique_ptr<Map>> make_map(const MapSpec& spec, Storage& storage) {
    for (const MapType& row : kTypes) {
        if (row.type != spec.type) {
            continue;
        }
        if (row.check != nullptr) {
            if (const int error = row.check(spec); error != 0) {
                return fail(fmt::format("attributes refused for a map of type {}", row.name),
                            spec.name, {}, -error);
            }
        }
        if (row.make == nullptr) {
            return fail(fmt::format("map type {} is not available yet", row.name), spec.name,
                        "array, hash and ringbuf are", EINVAL);
        }
        return row.make(spec, storage);
    }
    return fail(fmt::format("unknown map type {}", spec.type), spec.name, {}, EINVAL);
}

}  // namespace trapgate::bpf
