// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>

namespace trapgate::emu {

/// A device on the I/O port bus. Accesses have side effects; there is no peeking here.
class PortDevice {
public:
    virtual ~PortDevice() = default;
    /// `offset` counts from the first port of the mapping; `bytes` is 1, 2 or 4.
    virtual std::uint32_t port_read(std::uint16_t offset, unsigned bytes) = 0;
    virtual void port_write(std::uint16_t offset, unsigned bytes, std::uint32_t value) = 0;
};

/// The 64 KiB port space. Unclaimed ports read as ones and swallow writes, as on a PC.
class PortBus {
public:
    /// Claims [first, first + count) for `device`, which must outlive the bus.
    void map(std::uint16_t first, std::uint16_t count, PortDevice& device);

    std::uint32_t read(std::uint16_t port, unsigned bytes);
    void write(std::uint16_t port, unsigned bytes, std::uint32_t value);

private:
    struct Mapping {
        std::uint16_t first;
        std::uint16_t count;
        PortDevice* device;
    };
    [[nodiscard]] const Mapping* find(std::uint16_t port) const;
    std::map<std::uint16_t, Mapping> by_first_;
};

}  // namespace trapgate::emu
