// SPDX-License-Identifier: GPL-2.0-only
// BPF_MAP_TYPE_RINGBUF in shared memory, byte for byte as Linux lays it out (kernel/bpf/ringbuf.c
// and Documentation/bpf/ringbuf.rst), so that libbpf's consumer, guest code and the host all work
// on the same pages:
//
//   page 0      meta        ours alone (Linux keeps its lock and wait queue there); never mapped by
//   others page 1      consumer    u64 consumer_pos                                   <- mmap
//   offset 0, writable page 2      producer    u64 producer_pos, u64 pending_pos <- mmap offset
//   4096, read-only page 3...   data        max_entries bytes, then the same bytes once more
//
// A record is an 8-byte header (u32 length | BUSY | DISCARD, u32 pages from the header's page back
// to page 0), then the payload, padded to 8 bytes. Positions only grow; the mask makes them
// offsets.
#pragma once

#include <functional>

#include "bpf/maps/map.hpp"

namespace trapgate::bpf {

inline constexpr std::uint64_t kRingMetaPages = 1;
inline constexpr std::uint64_t kRingDroppedOffset = 0;          ///< u64 in the meta page
inline constexpr std::uint64_t kRingConsumerOffset = 1 * 4096;  ///< From the block's start.
inline constexpr std::uint64_t kRingProducerOffset = 2 * 4096;
inline constexpr std::uint64_t kRingPendingOffset = kRingProducerOffset + 8;
inline constexpr std::uint64_t kRingDataOffset = 3 * 4096;
inline constexpr std::uint32_t kRingHeaderBytes = 8;
inline constexpr std::uint32_t kRingBusy = 1U << 31;
inline constexpr std::uint32_t kRingDiscard = 1U << 30;

class RingbufMap final : public Map {
public:
    [[nodiscard]] static Result<std::unique_ptr<Map>> make(const MapSpec& spec, Storage& storage);
    ~RingbufMap() override;

    int lookup(std::span<const std::byte> key, std::span<std::byte> value) override;
    int update(std::span<const std::byte> key, std::span<const std::byte> value,
               std::uint64_t flags) override;
    int erase(std::span<const std::byte> key) override;
    int next_key(std::span<const std::byte> key, std::span<std::byte> next) override;

    /// What mmap(2) shows: from the consumer page on. Its guest_va is the consumer page's.
    [[nodiscard]] const StorageBlock* shared() const override { return &shown_; }
    /// The whole block, meta page first.
    [[nodiscard]] const StorageBlock& block() const { return block_; }

    // The helpers, as the kernel's functions of the same names. A record is named by its payload's
    // offset from the start of block(): guest_va(record) = block().guest_va + record.

    /// bpf_ringbuf_reserve: the record's offset, or 0 when there is no room or a flag is set.
    [[nodiscard]] std::uint64_t reserve(std::uint64_t size, std::uint64_t flags);
    /// bpf_ringbuf_submit: true when a consumer that had caught up should be woken.
    bool submit(std::uint64_t record, std::uint64_t flags);
    bool discard(std::uint64_t record, std::uint64_t flags);
    /// bpf_ringbuf_output: 0, -EINVAL (flags) or -EAGAIN (no room). `*wake` as submit's answer.
    int output(std::span<const std::byte> data, std::uint64_t flags, bool* wake);
    /// bpf_ringbuf_query: BPF_RB_AVAIL_DATA...; 0 for an unknown flag.
    [[nodiscard]] std::uint64_t query(std::uint64_t flags) const;

    /// Payload offset of a guest address, or 0 when it cannot be a record of this map.
    [[nodiscard]] std::uint64_t record_at(std::uint64_t guest_va) const;
    /// Payload bytes of a record, clamped to the data area whatever its header says.
    [[nodiscard]] std::span<std::byte> payload(std::uint64_t record);

    [[nodiscard]] std::uint64_t consumer_pos() const;
    [[nodiscard]] std::uint64_t producer_pos() const;
    /// Reservations that found no room.
    [[nodiscard]] std::uint64_t dropped() const;

private:
    RingbufMap(const MapSpec& spec, Storage& storage, const StorageBlock& block);
    [[nodiscard]] std::uint64_t mask() const { return spec().max_entries - 1ULL; }
    bool commit(std::uint64_t record, std::uint64_t flags, std::uint32_t bits);
    [[nodiscard]] bool skip_committed(std::uint64_t* pending, std::uint64_t producer) const;

    Storage& storage_;
    StorageBlock block_;
    StorageBlock shown_;
};

/// Reads records as libbpf's ring_buffer__consume does. Trusts nothing in the ring: a header that
/// makes no sense ends the reading.
class RingReader {
public:
    explicit RingReader(RingbufMap& ring) : ring_(ring) {}
    /// Calls `sink` for each finished record, discarded ones skipped; returns how many it saw.
    std::size_t consume(const std::function<void(std::span<const std::byte>)>& sink);

private:
    RingbufMap& ring_;
};

}  // namespace trapgate::bpf
