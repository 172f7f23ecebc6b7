// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/maps/ringbuf.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/address.hpp"
#include "base/check.hpp"
#include "bpf/maps/map_types.hpp"

namespace trapgate::bpf {

namespace {

constexpr std::uint64_t kMaxRecordBytes = 0xffffffffULL / 4;  // RINGBUF_MAX_RECORD_SZ

template <class T>
std::atomic_ref<T> cell(const StorageBlock& block, std::uint64_t offset) {
    return std::atomic_ref<T>(*reinterpret_cast<T*>(block.host + offset));
}

std::uint64_t load64(const StorageBlock& block, std::uint64_t offset) {
    return cell<std::uint64_t>(block, offset).load(std::memory_order_acquire);
}

std::uint32_t load32(const StorageBlock& block, std::uint64_t offset) {
    return cell<std::uint32_t>(block, offset).load(std::memory_order_acquire);
}

/// Bytes that a record with this header word takes in the ring.
std::uint64_t record_bytes(std::uint32_t header) {
    const std::uint64_t size = header & ~(kRingBusy | kRingDiscard);
    return (size + kRingHeaderBytes + 7) & ~7ULL;
}

constexpr std::uint64_t kWakeFlags = BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP;

}  // namespace

Result<std::unique_ptr<Map>> RingbufMap::make(const MapSpec& spec, Storage& storage) {
    Result<StorageBlock> block = storage.allocate(kRingDataOffset + spec.max_entries,
                                                  spec.max_entries);
    if (!block) {
        return tl::unexpected(block.error());
    }
    return std::unique_ptr<Map>(new RingbufMap(spec, storage, *block));
}

RingbufMap::RingbufMap(const MapSpec& spec, Storage& storage, const StorageBlock& block)
    : Map(spec), storage_(storage), block_(block), shown_(block) {
    shown_.host += kRingConsumerOffset;
    shown_.guest_va += kRingConsumerOffset;
    shown_.bytes -= kRingConsumerOffset;
    shown_.fd_offset += kRingConsumerOffset;
}

RingbufMap::~RingbufMap() { storage_.release(block_); }

int RingbufMap::lookup(std::span<const std::byte>, std::span<std::byte>) { return -kErrnoNotSupp; }

int RingbufMap::update(std::span<const std::byte>, std::span<const std::byte>, std::uint64_t) {
    return -kErrnoNotSupp;
}

int RingbufMap::erase(std::span<const std::byte>) { return -kErrnoNotSupp; }

int RingbufMap::next_key(std::span<const std::byte>, std::span<std::byte>) {
    return -kErrnoNotSupp;
}

std::uint64_t RingbufMap::consumer_pos() const { return load64(block_, kRingConsumerOffset); }

std::uint64_t RingbufMap::producer_pos() const { return load64(block_, kRingProducerOffset); }

/// Moves `*pending` over finished records. False when the ring holds nonsense (the guest can write
/// it).
bool RingbufMap::skip_committed(std::uint64_t* pending, std::uint64_t producer) const {
    if (producer - *pending > mask() + 1) {
        return false;
    }
    while (*pending < producer) {
        const std::uint32_t header = load32(block_, kRingDataOffset + (*pending & mask() & ~7ULL));
        if ((header & kRingBusy) != 0) {
            break;
        }
        *pending += record_bytes(header);
    }
    return true;
}

std::uint64_t RingbufMap::reserve(std::uint64_t size, std::uint64_t flags) {
    if (flags != 0 || size > kMaxRecordBytes) {
        return 0;
    }
    const std::uint64_t length = record_bytes(static_cast<std::uint32_t>(size));
    if (length > mask() + 1) {
        return 0;
    }
    const std::uint64_t consumer = consumer_pos();
    const std::uint64_t producer = producer_pos();
    std::uint64_t pending = load64(block_, kRingPendingOffset);
    if (!skip_committed(&pending, producer)) {
        return 0;
    }
    cell<std::uint64_t>(block_, kRingPendingOffset).store(pending);

    const std::uint64_t next = producer + length;
    if (next - consumer > mask() || next - pending > mask()) {
        auto dropped = cell<std::uint64_t>(block_, kRingDroppedOffset);
        dropped.store(dropped.load() + 1);
        return 0;
    }
    const std::uint64_t header = kRingDataOffset + (producer & mask() & ~7ULL);
    const auto page_back = static_cast<std::uint32_t>(header / kPageBytes);
    cell<std::uint32_t>(block_, header + 4).store(page_back);
    cell<std::uint32_t>(block_, header).store(static_cast<std::uint32_t>(size) | kRingBusy);
    cell<std::uint64_t>(block_, kRingProducerOffset).store(next, std::memory_order_release);
    return header + kRingHeaderBytes;
}

bool RingbufMap::commit(std::uint64_t record, std::uint64_t flags, std::uint32_t bits) {
    const std::uint64_t header = record - kRingHeaderBytes;
    const std::uint32_t length = load32(block_, header) & ~(kRingBusy | kRingDiscard);
    cell<std::uint32_t>(block_, header).exchange(length | bits);
    if ((flags & BPF_RB_FORCE_WAKEUP) != 0) {
        return true;
    }
    const bool caught_up = (consumer_pos() & mask()) == header - kRingDataOffset;
    return caught_up && (flags & BPF_RB_NO_WAKEUP) == 0;
}

bool RingbufMap::submit(std::uint64_t record, std::uint64_t flags) {
    return commit(record, flags, 0);
}

bool RingbufMap::discard(std::uint64_t record, std::uint64_t flags) {
    return commit(record, flags, kRingDiscard);
}

int RingbufMap::output(std::span<const std::byte> data, std::uint64_t flags, bool* wake) {
    *wake = false;
    if ((flags & ~kWakeFlags) != 0) {
        return -EINVAL;
    }
    const std::uint64_t record = reserve(data.size(), 0);
    if (record == 0) {
        return -EAGAIN;
    }
    if (!data.empty()) {
        std::memcpy(block_.host + record, data.data(), data.size());
    }
    *wake = submit(record, flags);
    return 0;
}

std::uint64_t RingbufMap::query(std::uint64_t flags) const {
    switch (flags) {
        case BPF_RB_AVAIL_DATA: return producer_pos() - consumer_pos();
        case BPF_RB_RING_SIZE: return mask() + 1;
        case BPF_RB_CONS_POS: return consumer_pos();
        case BPF_RB_PROD_POS: return producer_pos();
        default: return 0;
    }
}

std::uint64_t RingbufMap::dropped() const { return load64(block_, kRingDroppedOffset); }

std::uint64_t RingbufMap::record_at(std::uint64_t guest_va) const {
    const std::uint64_t offset = guest_va - block_.guest_va;
    const bool inside = offset >= kRingDataOffset + kRingHeaderBytes &&
                        offset <= kRingDataOffset + mask() + 1 && offset % 8 == 0;
    return inside ? offset : 0;
}

std::span<std::byte> RingbufMap::payload(std::uint64_t record) {
    const std::uint64_t size = load32(block_, record - kRingHeaderBytes) &
                               ~(kRingBusy | kRingDiscard);
    // The mirror lets a record run over the end once, never further.
    const std::uint64_t room = mask() + 1 - kRingHeaderBytes;
    return {block_.host + record, std::min(size, room)};
}

std::size_t RingReader::consume(const std::function<void(std::span<const std::byte>)>& sink) {
    const StorageBlock& block = ring_.block();
    const std::uint64_t mask = ring_.spec().max_entries - 1ULL;
    std::uint64_t consumer = ring_.consumer_pos();
    // What is there now is read; what comes meanwhile waits for the next call. More than fits is
    // nonsense.
    const std::uint64_t producer = ring_.producer_pos();
    std::size_t seen = 0;
    while (producer - consumer - 1 <= mask) {
        const std::uint64_t header = kRingDataOffset + (consumer & mask & ~7ULL);
        const std::uint32_t word = load32(block, header);
        if ((word & kRingBusy) != 0 || record_bytes(word) > mask + 1) {
            break;
        }
        if ((word & kRingDiscard) == 0) {
            sink(ring_.payload(header + kRingHeaderBytes));
            ++seen;
        }
        consumer += record_bytes(word);
        cell<std::uint64_t>(block, kRingConsumerOffset).store(consumer, std::memory_order_release);
    }
    return seen;
}

}  // namespace trapgate::bpf
