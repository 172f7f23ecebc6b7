// SPDX-License-Identifier: GPL-2.0-only
// The things that bpf(2) and perf_event_open(2) hand out descriptors for. As on Linux, an object
// lives as long as something refers to it: a descriptor (any copy of it, in any process), a program
// that uses the map, a link that holds program and event. References are shared_ptrs; nothing else
// keeps an object alive.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <linux/bpf.h>

#include "bpf/insn.hpp"
#include "bpf/maps/map.hpp"
#include "bpf/verifier/verifier.hpp"
#include "kernel/api/probe_backend.hpp"

namespace trapgate::kernel {

class Object {
public:
    virtual ~Object() = default;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    /// What Linux's BPF_*_GET_FD_BY_ID calls it, unique among the objects of its class; 0 for perf
    /// events.
    [[nodiscard]] std::uint32_t id() const { return id_; }
    void set_id(std::uint32_t id) { id_ = id; }

    /// Whether its descriptors can become readable at all, and whether they are now. Any thread.
    [[nodiscard]] virtual bool pollable() const { return false; }
    [[nodiscard]] virtual bool readable() const { return false; }

protected:
    Object() = default;

private:
    std::uint32_t id_ = 0;
};

/// Type information, checked (kernel/api/btf_check.hpp) and then never changed.
class BtfObject final : public Object {
public:
    std::vector<std::byte> bytes;
    std::string name;         ///< "vmlinux" for the guest kernel's own; else empty.
    bool kernel_btf = false;  ///< The guest kernel's own.
};

class MapObject final : public Object {
public:
    explicit MapObject(std::shared_ptr<bpf::Map> made) : map(std::move(made)) {}

    std::shared_ptr<bpf::Map> map;
    std::shared_ptr<const BtfObject> btf;  ///< Describes key and value; null when the creator gave
                                           ///< none.
    std::uint32_t btf_key_type = 0;
    std::uint32_t btf_value_type = 0;
    std::uint64_t map_extra = 0;
    bool frozen = false;  ///< No more updates through bpf(2) (BPF_MAP_FREEZE).
    std::atomic<std::uint32_t> writable_mmaps = 0;  ///< Mappings that a freeze must refuse.

    [[nodiscard]] bool is_ring() const { return map->spec().type == BPF_MAP_TYPE_RINGBUF; }
    /// Bytes between consumer and producer; 0 for other types. Any thread.
    [[nodiscard]] std::uint64_t ring_available() const;
    [[nodiscard]] bool pollable() const override { return is_ring(); }
    [[nodiscard]] bool readable() const override { return ring_available() != 0; }
};

class ProgramObject final : public Object {
public:
    std::string name;
    std::array<std::uint8_t, 8> tag{};
    std::uint32_t expected_attach_type = 0;
    bool gpl_compatible = false;
    std::uint64_t load_time_ns = 0;  ///< Virtual time.
    bpf::VerifiedProgram verified;
    std::vector<std::shared_ptr<MapObject>> maps;  ///< In the order of the instructions' map
                                                   ///< indices.
    /// Maps that BPF_PROG_BIND_MAP added: kept alive, not addressed by instructions.
    std::vector<std::shared_ptr<MapObject>> bound_maps;

    std::shared_ptr<const BtfObject> btf;
    std::vector<std::byte> func_info;  ///< struct bpf_func_info records, as given.
    std::vector<std::byte> line_info;  ///< struct bpf_line_info records, as given.
    std::uint32_t func_info_record_bytes = 0;
    std::uint32_t line_info_record_bytes = 0;

    /// The program in the guest; null for types that nothing can attach yet. Destroyed before the
    /// maps above.
    std::unique_ptr<PlacedProgram> placed;
};

/// One event of perf_event_open(2): a probe place with the programs that run there.
class PerfEventObject final : public Object, public ProbeClient {
public:
    [[nodiscard]] PlacedProgram* program_at_hit() override {
        return program == nullptr ? nullptr : program->placed.get();
    }
    /// trace_call_bpf: zero drops the event, anything else stores it.
    void program_ran(std::uint64_t r0) override {
        std::uint64_t& counter = r0 == 0 ? dropped : count;
        counter += r0 == 0 || enabled ? 1 : 0;
    }

    ProbeTarget target;
    std::uint64_t perf_id = 0;  ///< PERF_EVENT_IOC_ID
    bool enabled = false;       ///< Counts only while true; programs run regardless, as on Linux.
    std::uint64_t count = 0;    ///< Hits whose program returned non-zero while enabled.
    std::uint64_t dropped = 0;  ///< Hits whose program returned zero.
    std::shared_ptr<ProgramObject> program;  ///< At most one for each event.
    std::uint64_t cookie = 0;
    /// Declared last: disarmed before the program goes.
    std::unique_ptr<ArmedProbe> armed;
};

/// A BPF link: program and event stay together until the last descriptor is closed.
class LinkObject final : public Object {
public:
    LinkObject(std::shared_ptr<ProgramObject> linked, std::shared_ptr<PerfEventObject> place)
        : program(std::move(linked)), event(std::move(place)) {}
    ~LinkObject() override;

    std::shared_ptr<ProgramObject> program;
    std::shared_ptr<PerfEventObject> event;
};

/// The ids of one class of objects. Does not keep them alive. Ids are given in rising order and not
/// soon reused.
template <class T>
class IdTable {
public:
    void add(const std::shared_ptr<T>& object) {
        object->set_id(next_);
        objects_.emplace(next_++, object);
    }
    [[nodiscard]] std::shared_ptr<T> find(std::uint32_t id) const {
        const auto found = objects_.find(id);
        return found == objects_.end() ? nullptr : found->second.lock();
    }
    /// The smallest living id above `id`.
    [[nodiscard]] std::optional<std::uint32_t> next(std::uint32_t id) {
        for (auto at = objects_.upper_bound(id); at != objects_.end();) {
            if (!at->second.expired()) {
                return at->first;
            }
            at = objects_.erase(at);
        }
        return std::nullopt;
    }
    /// All living objects by rising id.
    [[nodiscard]] std::vector<std::shared_ptr<T>> all() const {
        std::vector<std::shared_ptr<T>> living;
        for (const auto& [id, weak] : objects_) {
            if (auto object = weak.lock()) {
                living.push_back(std::move(object));
            }
        }
        return living;
    }

private:
    std::map<std::uint32_t, std::weak_ptr<T>> objects_;
    std::uint32_t next_ = 1;
};

}  // namespace trapgate::kernel
