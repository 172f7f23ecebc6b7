// SPDX-License-Identifier: GPL-2.0-only
#include "emu/mp_table.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/check.hpp"
#include "emu/devices/io_apic.hpp"
#include "emu/devices/local_apic.hpp"

namespace trapgate::emu {
namespace {

constexpr GuestPa kFloatingPointer{0xf'0000};
constexpr GuestPa kTable{0xf'0010};
constexpr std::uint8_t kSpecification = 4;  // version 1.4

/// Little-endian bytes in the order of the specification's figures.
class Bytes {
public:
    Bytes& u8(unsigned value) {
        data_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    Bytes& u16(unsigned value) { return u8(value & 0xff).u8(value >> 8); }
    Bytes& u32(std::uint64_t value) {
        return u16(static_cast<unsigned>(value & 0xffff)).u16(static_cast<unsigned>(value >> 16));
    }
    Bytes& text(const char* value) {
        data_.insert(data_.end(), value, value + std::strlen(value));
        return *this;
    }
    std::vector<std::uint8_t>& data() { return data_; }

    /// Makes all bytes sum up to 0.
    void set_checksum(std::size_t at) {
        data_[at] = 0;
        const unsigned sum = std::accumulate(data_.begin(), data_.end(), 0U);
        data_[at] = static_cast<std::uint8_t>(0x100 - (sum & 0xff));
    }

private:
    std::vector<std::uint8_t> data_;
};

void put(PhysicalMemory& memory, GuestPa at, const std::vector<std::uint8_t>& bytes) {
    const std::span<std::byte> to = memory.view(at, bytes.size());
    TG_CHECK(!to.empty(), "the MP table does not fit");
    std::memcpy(to.data(), bytes.data(), bytes.size());
}

}  // namespace

void write_mp_table(PhysicalMemory& memory, unsigned cpus) {
    constexpr unsigned kIsaBus = 0;
    constexpr unsigned kIsaIrqs = 16;
    constexpr unsigned kAllApics = 0xff;
    const unsigned io_apic_id = cpus;

    Bytes entries;
    unsigned count = 0;
    for (unsigned cpu = 0; cpu < cpus; ++cpu, ++count) {
        constexpr unsigned kEnabled = 1;
        constexpr unsigned kBootstrap = 2;
        constexpr std::uint64_t kSignature = 0x306c4;  // family 6, model 60
        constexpr std::uint64_t kFeatures = 0x0f8b'fbff;
        entries.u8(0).u8(cpu).u8(0x14).u8(kEnabled | (cpu == 0 ? kBootstrap : 0));
        entries.u32(kSignature).u32(kFeatures).u32(0).u32(0);
    }
    entries.u8(1).u8(kIsaBus).text("ISA   ");
    entries.u8(2).u8(io_apic_id).u8(0x11).u8(1).u32(kIoApicBase.value);
    count += 2;
    for (unsigned irq = 0; irq < kIsaIrqs; ++irq) {
        constexpr unsigned kCascade = 2;
        if (irq != kCascade) {
            const unsigned pin = irq == 0 ? 2 : irq;
            entries.u8(3).u8(0).u16(0).u8(kIsaBus).u8(irq).u8(io_apic_id).u8(pin);
            ++count;
        }
    }
    // ExtINT on every CPU's LINT0, NMI on LINT1.
    entries.u8(4).u8(3).u16(0).u8(kIsaBus).u8(0).u8(kAllApics).u8(0);
    entries.u8(4).u8(1).u16(0).u8(kIsaBus).u8(0).u8(kAllApics).u8(1);
    count += 2;

    constexpr unsigned kHeaderBytes = 44;
    Bytes table;
    table.text("PCMP").u16(kHeaderBytes + static_cast<unsigned>(entries.data().size()));
    table.u8(kSpecification).u8(0).text("TRAPGATE").text("MACHINE     ");
    table.u32(0).u16(0).u16(count).u32(kLocalApicBase.value).u16(0).u8(0).u8(0);
    table.data().insert(table.data().end(), entries.data().begin(), entries.data().end());
    table.set_checksum(7);
    put(memory, kTable, table.data());

    Bytes pointer;
    pointer.text("_MP_").u32(kTable.value).u8(1).u8(kSpecification).u8(0).u8(0).u32(0);
    pointer.set_checksum(10);
    put(memory, kFloatingPointer, pointer.data());
}

}  // namespace trapgate::emu
