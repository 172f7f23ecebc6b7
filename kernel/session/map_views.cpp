// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/map_views.hpp"

#include <optional>
#include <string>

#include "bpf/maps/map_types.hpp"
#include "bpf/maps/ringbuf.hpp"

namespace trapgate::kernel {
namespace {

class ElementText {
public:
    explicit ElementText(const MapObject& map) : map_(map) {
        if (map.btf != nullptr) {
            Result<TypePrinter> made = TypePrinter::create(map.btf->bytes);
            if (made) {
                printer_ = std::move(*made);
            }
        }
    }
    [[nodiscard]] std::string key(std::span<const std::byte> bytes) const {
        return text(map_.btf_key_type, bytes);
    }
    [[nodiscard]] std::string value(std::span<const std::byte> bytes) const {
        return text(map_.btf_value_type, bytes);
    }

private:
    [[nodiscard]] std::string text(std::uint32_t type, std::span<const std::byte> bytes) const {
        return printer_ && type != 0 ? printer_->print(type, bytes) : hex_bytes(bytes);
    }
    const MapObject& map_;
    std::optional<TypePrinter> printer_;
};

}  // namespace

MapView view_map(const MapObject& object) {
    bpf::Map& map = *object.map;
    const bpf::MapSpec& spec = map.spec();
    MapView view;
    view.id = object.id();
    view.name = spec.name;
    view.type = bpf::map_type_name(spec.type);
    view.key_bytes = spec.key_size;
    view.value_bytes = spec.value_size;
    view.max_entries = spec.max_entries;
    if (spec.key_size == 0) {
        return view;
    }
    const ElementText text(object);
    std::vector<std::byte> key;
    std::vector<std::byte> next(spec.key_size);
    while (map.next_key(key, next) == 0) {
        key = next;
        ++view.element_count;
        if (view.elements.size() == MapView::kMaxElements) {
            continue;
        }
        std::vector<std::byte> value(spec.value_size);
        if (map.lookup(key, value) == 0) {
            view.elements.push_back({key, value, text.key(key), text.value(value)});
        }
    }
    return view;
}

RingView view_ring(const MapObject& object) {
    RingView view;
    view.id = object.id();
    view.name = object.map->spec().name;
    view.bytes = object.map->spec().max_entries;
    if (const auto* ring = dynamic_cast<const bpf::RingbufMap*>(object.map.get())) {
        view.producer = ring->producer_pos();
        view.consumer = ring->consumer_pos();
        view.dropped = ring->dropped();
    }
    return view;
}

}  // namespace trapgate::kernel
