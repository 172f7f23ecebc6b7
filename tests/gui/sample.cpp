// SPDX-License-Identifier: GPL-2.0-only
#include "tests/gui/sample.hpp"

#include <fmt/format.h>

namespace trapgate::gui::testing {
namespace {

std::vector<std::byte> little_endian(std::uint64_t value, std::size_t size) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < size; ++i) {
        bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
    return bytes;
}

cpu::RegisterFile sample_registers() {
    cpu::RegisterFile file;
    for (std::size_t i = 0; i < cpu::kGprCount; ++i) {
        file.gpr[i] = 0xffff'8880'0000'0000 + 0x1111 * i;
    }
    file.gpr[0] = 3;
    file.gpr[15] = 0;
    file.rip = 0xffff'ffff'8100'1234;
    file.rflags = cpu::rflags::kFixed | cpu::rflags::kIf | cpu::rflags::kZf | cpu::rflags::kPf;
    file.cr0 = 0x8005'0033;
    file.cr3 = 0x10'6000;
    file.cr4 = 0x20;
    file.efer = 0xd01;
    file.cs = {0x10, 0, 0xffff'ffff, 0xa09b};
    file.gs = {0, 0xffff'8880'3fc0'0000, 0, 0};
    file.gdtr = {0xffff'fe00'0000'1000, 0x7f};
    return file;
}

kernel::MapView sample_counts() {
    kernel::MapView map{.id = 3,
                        .name = "counts",
                        .type = "array",
                        .key_bytes = 4,
                        .value_bytes = 8,
                        .max_entries = 4,
                        .elements = {},
                        .element_count = 4};
    constexpr std::uint64_t kValues[] = {53, 0, 7, 0};
    for (std::uint64_t key = 0; key < 4; ++key) {
        map.elements.push_back({little_endian(key, 4), little_endian(kValues[key], 8),
                                fmt::format("{}", key), fmt::format("{}", kValues[key])});
    }
    return map;
}

kernel::RingView sample_ring() {
    kernel::RingView ring{.id = 4,
                          .name = "events",
                          .bytes = 4096,
                          .producer = 5120,
                          .consumer = 4096,
                          .records = 6,
                          .dropped = 2,
                          .last = {}};
    for (std::uint64_t number = 3; number < 6; ++number) {
        ring.last.push_back({number, little_endian(number, 8),
                             fmt::format("{{ .pid = {}, .name = \"init\", }}", number)});
    }
    return ring;
}

}  // namespace

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char c : text) {
        bytes.push_back(static_cast<std::byte>(c));
    }
    return bytes;
}

kernel::SessionSnapshot sample_snapshot() {
    kernel::SessionSnapshot snapshot;
    snapshot.model = "functional";
    snapshot.counters.instructions = 1'234'567;
    snapshot.counters.cycles = Cycles{1'300'000};
    snapshot.counters.blocks = 4321;
    snapshot.counters.interrupts = 12;
    snapshot.counters.exceptions[14] = 5;
    snapshot.registers = sample_registers();
    snapshot.location = "do_sys_openat2+0x4/0x60";
    snapshot.probes = {{"kprobes/opened", "do_sys_openat2+0x0", GuestVa{0xffff'ffff'8100'1230},
                        "count_open", 53, 0},
                       {"kprobes/vfs", "vfs_open+0x0", GuestVa{0xffff'ffff'8100'2000}, "", 7, 2}};
    kernel::MapView ring_map{.id = 4,
                             .name = "events",
                             .type = "ringbuf",
                             .key_bytes = 0,
                             .value_bytes = 0,
                             .max_entries = 4096,
                             .elements = {},
                             .element_count = 0};
    snapshot.maps = {sample_counts(), ring_map};
    snapshot.rings = {sample_ring()};
    snapshot.console = "Minikernel\r\n\x1b[1mready\x1b[0m\n# ";
    snapshot.trace = {"  init-1 [000] d..1 0.001: opened: (do_sys_openat2+0x0)",
                      "  init-1 [000] d..1 0.002: bpf_trace_printk: hello"};
    return snapshot;
}

kernel::SessionSnapshot sample_before() {
    kernel::SessionSnapshot snapshot = sample_snapshot();
    snapshot.counters.instructions -= 100;
    snapshot.counters.cycles = Cycles{snapshot.counters.cycles.value - 120};
    snapshot.registers.gpr[0] = 2;
    snapshot.registers.rip -= 4;
    snapshot.registers.rflags &= ~cpu::rflags::kZf;
    snapshot.probes[0].hits = 52;
    snapshot.maps[0].elements[0].value = little_endian(52, 8);
    snapshot.maps[0].elements.erase(snapshot.maps[0].elements.begin() + 2);
    return snapshot;
}

kernel::SnapshotPtr share(kernel::SessionSnapshot snapshot) {
    return std::make_shared<const kernel::SessionSnapshot>(std::move(snapshot));
}

}  // namespace trapgate::gui::testing
