// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/port_bus.hpp"

#include "base/check.hpp"

namespace trapgate::emu {

void PortBus::map(std::uint16_t first, std::uint16_t count, PortDevice& device) {
    for (std::uint32_t port = first; port < std::uint32_t{first} + count; ++port) {
        TG_CHECK(find(static_cast<std::uint16_t>(port)) == nullptr, "two devices claim one port");
    }
    by_first_[first] = {first, count, &device};
}

const PortBus::Mapping* PortBus::find(std::uint16_t port) const {
    auto at = by_first_.upper_bound(port);
    if (at == by_first_.begin()) {
        return nullptr;
    }
    --at;
    return port - at->second.first < at->second.count ? &at->second : nullptr;
}

std::uint32_t PortBus::read(std::uint16_t port, unsigned bytes) {
    const Mapping* mapping = find(port);
    if (mapping == nullptr) {
        return bytes == 4 ? 0xffff'ffffU : (1U << (8 * bytes)) - 1;
    }
    return mapping->device->port_read(static_cast<std::uint16_t>(port - mapping->first), bytes);
}

void PortBus::write(std::uint16_t port, unsigned bytes, std::uint32_t value) {
    if (const Mapping* mapping = find(port)) {
        mapping->device->port_write(static_cast<std::uint16_t>(port - mapping->first), bytes,
                                    value);
    }
}

}  // namespace trapgate::emu
