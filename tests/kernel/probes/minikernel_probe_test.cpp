// SPDX-License-Identifier: GPL-2.0-only
// The whole path on a real kernel: boot, probe, run a program on the guest CPU, and end as the
// unprobed run.
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <linux/bpf.h>

#include <gtest/gtest.h>

#include "bpf/maps/ringbuf.hpp"
#include "bpf/runtime/runtime.hpp"
#include "kernel/probes/kprobes.hpp"
#include "tests/bpf/runtime/program_text.hpp"
#include "tests/kernel/probes/minikernel_guest.hpp"

namespace trapgate::kernel {
namespace {

using namespace bpf::test;

TEST_F(MinikernelProbe, AProgramCountsEveryOpenOnTheGuestCpu) {
    const std::unique_ptr<Guest> plain = boot();
    const emu::StopEvent expected = plain->run();
    EXPECT_EQ(expected.reason, emu::StopReason::GuestExit) << plain->console;

    std::vector<std::uint64_t> instructions;
    for (int round = 0; round < 2; ++round) {
        const std::unique_ptr<Guest> guest = boot();
        emu::Machine& machine = *guest->machine;
        const auto runtime = std::make_unique<bpf::GuestRuntime>(machine);
        Kprobes kprobes(machine);
        const bpf::MapSpec array{.type = BPF_MAP_TYPE_ARRAY,
                                 .key_size = 4,
                                 .value_size = 8,
                                 .max_entries = 1,
                                 .map_flags = 0,
                                 .name = "hits"};
        const bpf::MapSpec ring_spec{.type = BPF_MAP_TYPE_RINGBUF,
                                     .key_size = 0,
                                     .value_size = 0,
                                     .max_entries = 65536,
                                     .map_flags = 0,
                                     .name = "ring"};
        const std::shared_ptr<bpf::Map> hits = std::move(*make_map(array, runtime->storage()));
        const std::shared_ptr<bpf::Map> ring = std::move(*make_map(ring_spec, runtime->storage()));

        // hits[0]++; record = {pid_tgid, ip, comm}; output(record)
        ProgramText text;
        text << mov_reg(6, 1) << st(BPF_W, 10, -4, 0);
        text.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -4) << call(BPF_FUNC_map_lookup_elem)
                            << jump_eq_imm(0, 0, 3) << ldx(BPF_DW, 1, 0, 0) << add_imm(1, 1)
                            << stx(BPF_DW, 0, 0, 1) << call(BPF_FUNC_get_current_pid_tgid)
                            << stx(BPF_DW, 10, -48, 0) << ldx(BPF_DW, 1, 6, 128)  // pt_regs.ip
                            << stx(BPF_DW, 10, -40, 1) << mov_reg(1, 10) << add_imm(1, -32)
                            << mov_imm(2, 16) << call(BPF_FUNC_get_current_comm);
        text.load_map(1, 1) << mov_reg(2, 10) << add_imm(2, -48) << mov_imm(3, 32) << mov_imm(4, 0)
                            << call(BPF_FUNC_ringbuf_output) << mov_imm(0, 0) << leave();
        bpf::VerifiedProgram verified = text.verified();
        verified.call_map[6] = 0;
        const auto program = runtime->load(verified, {hits, ring}, "count_opens").value();

        KprobeSpec spec{.symbol = "do_sys_openat2"};
        spec.guest_handler = [&](Kprobe& probe, ProbeRegs& regs, std::function<void()> done) {
            runtime->run(program, bpf::pt_regs_of(regs.cpu(), probe.address().value + 1),
                         [done = std::move(done)](std::uint64_t) { done(); });
        };
        const Result<KprobeHandle> probe = kprobes.register_kprobe(std::move(spec));
        ASSERT_TRUE(probe.has_value()) << probe.error().message();

        EXPECT_EQ(guest->run(), expected);
        EXPECT_EQ(timeless_lines(guest->console), timeless_lines(plain->console));
        EXPECT_GT((*probe)->hits(), 0U);
        EXPECT_EQ((*probe)->nmissed(), 0U);
        EXPECT_EQ(program->runs(), (*probe)->hits());

        const std::uint32_t zero = 0;
        std::uint64_t count = 0;
        EXPECT_EQ(hits->lookup(std::as_bytes(std::span(&zero, 1)),
                               std::as_writable_bytes(std::span(&count, 1))),
                  0);
        EXPECT_EQ(count, (*probe)->hits());

        std::uint64_t records = 0;
        std::map<std::string, int> names;
        bpf::RingReader(dynamic_cast<bpf::RingbufMap&>(*ring))
            .consume([&](std::span<const std::byte> record) {
                ASSERT_EQ(record.size(), 32U);
                std::array<std::uint64_t, 2> words{};
                std::array<char, 16> comm{};
                std::memcpy(words.data(), record.data(), 16);
                std::memcpy(comm.data(), record.data() + 16, 16);
                EXPECT_NE(words[0], bpf::helper_error(EINVAL));
                EXPECT_EQ(words[1], (*probe)->address().value + 1);
                ++names[comm.data()];
                ++records;
            });
        EXPECT_EQ(records, count);
        EXPECT_TRUE(names.contains("worker/0")) << ::testing::PrintToString(names);
        instructions.push_back(machine.counters().instructions);
        RecordProperty("opens", static_cast<int>(count));
    }
    EXPECT_EQ(instructions[0], instructions[1]);
}

/// Probes on every instruction of the kernel that a kprobe may stand on.
class MinikernelText : public MinikernelProbe, public ::testing::WithParamInterface<bool> {};

TEST_P(MinikernelText, ProbedWholeDoesWhatItDidBefore) {
    const std::unique_ptr<Guest> plain = boot();
    const emu::StopEvent expected = plain->run();
    const std::unique_ptr<Guest> guest = boot();
    emu::Machine& machine = *guest->machine;
    Kprobes kprobes(machine);
    std::vector<KprobeHandle> probes;
    std::map<int, int> refused;
    for (const emu::Symbol& symbol : machine.symbols().all()) {
        if (std::string_view("tT").find(symbol.type) == std::string_view::npos) {
            continue;
        }
        for (std::uint64_t offset = 0; offset < symbol.size;) {
            const GuestVa at = symbol.address + offset;
            const auto insn = cpu::decode(read_insn_bytes(machine, at));
            offset += insn ? insn->length : symbol.size;
            KprobeSpec spec{.address = at};
            if (GetParam()) {
                spec.post_handler = [](Kprobe&, ProbeRegs&) {};
            }
            if (auto probe = kprobes.register_kprobe(std::move(spec))) {
                probes.push_back(std::move(*probe));
            } else {
                ++refused[probe.error().linux_errno];
            }
        }
    }
    EXPECT_GT(probes.size(), 4000U);
    EXPECT_EQ(refused[ENOMEM] + refused[EBUSY], 0) << ::testing::PrintToString(refused);
    const emu::StopEvent stop = guest->run();
    EXPECT_EQ(stop.reason, expected.reason) << guest->console;
    EXPECT_EQ(stop.status, expected.status);
    EXPECT_EQ(kprobes.original_rip(stop.rip), expected.rip);
    EXPECT_EQ(timeless_lines(guest->console), timeless_lines(plain->console));
    std::uint64_t hits = 0;
    for (const KprobeHandle& probe : probes) {
        hits += probe->hits();
        EXPECT_EQ(probe->nmissed(), 0U) << probe->where();
    }
    EXPECT_GT(hits, plain->machine->counters().instructions / 2);
    RecordProperty("probes", static_cast<int>(probes.size()));
    RecordProperty("hits", static_cast<int>(hits));
}

INSTANTIATE_TEST_SUITE_P(Kinds, MinikernelText, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "WithPostHandler" : "Plain"; });

TEST_F(MinikernelProbe, RefusesEntryCodeAndUnknownNames) {
    const std::unique_ptr<Guest> guest = boot();
    Kprobes kprobes(*guest->machine);
    const emu::Symbol entry = guest->machine->symbols().find("__entry_text_start").value();
    const auto refused = kprobes.register_kprobe({.address = entry.address});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().linux_errno, EINVAL) << refused.error().message();
    EXPECT_EQ(kprobes.register_kprobe({.symbol = "do_sys_openat"}).error().linux_errno, ENOENT);
}

}  // namespace
}  // namespace trapgate::kernel
