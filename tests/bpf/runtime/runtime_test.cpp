// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/runtime.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include "bpf/maps/ringbuf.hpp"
#include "tests/bpf/runtime/runtime_fixture.hpp"

namespace trapgate::bpf {
namespace {

using namespace test;

const MapSpec kCounters{
    .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4, .name = {}};
const MapSpec kRing{.type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096, .name = {}};

std::uint64_t element(Map& map, std::uint32_t index) {
    std::uint64_t value = 0;
    EXPECT_EQ(map.lookup(std::as_bytes(std::span(&index, 1)),
                         std::as_writable_bytes(std::span(&value, 1))),
              0);
    return value;
}

TEST_F(RuntimeTest, ReturnsAll64BitsAndCountsInstructions) {
    const auto program = load(
        (ProgramText{}.load_imm64(0, 0x1234'5678'9abc'def0) << leave()).verified());
    const GuestRuntime::TestRun first = run(program);
    EXPECT_EQ(first.retval, 0x1234'5678'9abc'def0U);
    EXPECT_EQ(first.instructions, 4U);  // call, mov, ret, int3
    EXPECT_EQ(first.cycles, Cycles{4});
    EXPECT_EQ(run(program).instructions, 4U);
    EXPECT_EQ(program->runs(), 2U);
}

TEST_F(RuntimeTest, PutsTheCpuBack) {
    emu::Cpu& cpu = machine->cpu();
    for (unsigned i = 0; i < cpu::kGprCount; ++i) {
        if (static_cast<cpu::Gpr>(i) != cpu::Gpr::Rsp) {
            cpu.set_gpr(static_cast<cpu::Gpr>(i), 0x1111'1111'1111'1111ULL * i);
        }
    }
    cpu.set_rip(emu::kBareDirectMap + 0x20000);
    cpu.set_rflags(cpu.rflags() | cpu::rflags::kCf | cpu::rflags::kDf | cpu::rflags::kZf);
    const cpu::RegisterFile before = cpu.registers();
    ProgramText text;
    for (unsigned reg = 0; reg < 10; ++reg) {
        text << mov_imm(reg, -1) << add_reg(reg, reg);
    }
    result_of(text << st(BPF_DW, 10, -512, 1) << leave());
    EXPECT_TRUE(cpu.registers() == before);
}

TEST_F(RuntimeTest, HandsTheContextInAndOut) {
    const auto program = load(
        (ProgramText{} << ldx(BPF_DW, 0, 1, 8) << add_reg(0, 2) << st(BPF_B, 1, 0, 0x5a) << leave())
            .verified());
    std::array<std::uint64_t, 2> context{1, 1000};
    const GuestRuntime::TestRun ended = run(program, std::as_bytes(std::span(context)));
    EXPECT_EQ(ended.retval, 1016U);  // the second word, and the length in R2
    ASSERT_EQ(ended.context.size(), 16U);
    EXPECT_EQ(ended.context[0], std::byte{0x5a});
    EXPECT_EQ(context[0], 1U) << "the caller's bytes stay";
}

TEST_F(RuntimeTest, CountsInAnArray) {
    const std::shared_ptr<Map> counters = map(kCounters);
    ProgramText text;
    text << st(BPF_W, 10, -4, 2);
    text.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -4) << call(BPF_FUNC_map_lookup_elem)
                        << jump_eq_imm(0, 0, 3) << ldx(BPF_DW, 1, 0, 0) << add_imm(1, 1)
                        << stx(BPF_DW, 0, 0, 1) << mov_imm(0, 0) << leave();
    const auto trapping = load(text.verified(), {counters});
    VerifiedProgram inlined = text.verified();
    inlined.call_map[5] = 0;
    const auto direct = load(inlined, {counters});
    for (int i = 0; i < 3; ++i) {
        run(trapping);
        run(direct);
    }
    EXPECT_EQ(element(*counters, 2), 6U);
    EXPECT_EQ(element(*counters, 1), 0U);
}

TEST_F(RuntimeTest, ALookupOutsideTheArrayGivesNull) {
    ProgramText text;
    text << st(BPF_W, 10, -4, 4);
    text.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -4) << call(BPF_FUNC_map_lookup_elem)
                        << leave();
    EXPECT_EQ(result_of(text, {map(kCounters)}), 0U);
}

TEST_F(RuntimeTest, ALookupInAHashPointsAtTheElement) {
    const std::shared_ptr<Map> hash = map({.type = BPF_MAP_TYPE_HASH,
                                           .key_size = 8,
                                           .value_size = 8,
                                           .max_entries = 16,
                                           .map_flags = 0,
                                           .name = {}});
    const std::uint64_t key = 77;
    const std::uint64_t value = 5;
    const auto key_bytes = std::as_bytes(std::span(&key, 1));
    ProgramText text;  // *lookup(77) += 1; returns 1 when it is there
    text << st(BPF_DW, 10, -8, 77);
    text.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -8) << call(BPF_FUNC_map_lookup_elem)
                        << jump_eq_imm(0, 0, 4) << ldx(BPF_DW, 1, 0, 0) << add_imm(1, 1)
                        << stx(BPF_DW, 0, 0, 1) << mov_imm(0, 1) << leave();
    EXPECT_EQ(result_of(text, {hash}), 0U);
    ASSERT_EQ(hash->update(key_bytes, std::as_bytes(std::span(&value, 1)), BPF_ANY), 0);
    EXPECT_EQ(result_of(text, {hash}), 1U);
    std::uint64_t now = 0;
    EXPECT_EQ(hash->lookup(key_bytes, std::as_writable_bytes(std::span(&now, 1))), 0);
    EXPECT_EQ(now, 6U);
}

TEST_F(RuntimeTest, UpdatesAndDeletesAsTheSystemCallDoes) {
    const std::shared_ptr<Map> counters = map(kCounters);
    ProgramText update;
    update << st(BPF_W, 10, -4, 3) << st(BPF_DW, 10, -16, 77);
    update.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -4) << mov_reg(3, 10) << add_imm(3, -16)
                          << mov_imm(4, BPF_ANY) << call(BPF_FUNC_map_update_elem) << leave();
    EXPECT_EQ(result_of(update, {counters}), 0U);
    EXPECT_EQ(element(*counters, 3), 77U);
    ProgramText erase;
    erase << st(BPF_W, 10, -4, 3);
    erase.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -4) << call(BPF_FUNC_map_delete_elem)
                         << leave();
    EXPECT_EQ(result_of(erase, {counters}), helper_error(EINVAL));
}

TEST_F(RuntimeTest, FillsTheRingAndWakesItsConsumer) {
    const auto ring = std::dynamic_pointer_cast<RingbufMap>(map(kRing));
    int wakes = 0;
    runtime->set_wakeup_sink([&](Map& woken) {
        EXPECT_EQ(&woken, ring.get());
        ++wakes;
    });
    ProgramText reserve;
    reserve.load_map(1, 0) << mov_imm(2, 16) << mov_imm(3, 0) << call(BPF_FUNC_ringbuf_reserve)
                           << jump_eq_imm(0, 0, 5) << st(BPF_DW, 0, 0, 7) << st(BPF_DW, 0, 8, 8)
                           << mov_reg(1, 0) << mov_imm(2, 0) << call(BPF_FUNC_ringbuf_submit)
                           << mov_imm(0, 0) << leave();
    ProgramText output;
    output << st(BPF_DW, 10, -8, 99);
    output.load_map(1, 0) << mov_reg(2, 10) << add_imm(2, -8) << mov_imm(3, 8) << mov_imm(4, 0)
                          << call(BPF_FUNC_ringbuf_output) << leave();
    EXPECT_EQ(result_of(reserve, {ring}), 0U);
    EXPECT_EQ(result_of(output, {ring}), 0U);
    EXPECT_EQ(wakes, 1) << "the consumer had caught up only once";
    std::vector<std::uint64_t> seen;
    RingReader reader(*ring);
    reader.consume([&](std::span<const std::byte> record) {
        for (std::size_t at = 0; at < record.size(); at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, record.data() + at, sizeof word);
            seen.push_back(word);
        }
    });
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{7, 8, 99}));
    ProgramText query;
    query.load_map(1, 0) << mov_imm(2, BPF_RB_PROD_POS) << call(BPF_FUNC_ringbuf_query) << leave();
    EXPECT_EQ(result_of(query, {ring}), 24U + 16U);
}

TEST_F(RuntimeTest, ADiscardedRecordIsNotSeen) {
    const auto ring = std::dynamic_pointer_cast<RingbufMap>(map(kRing));
    ProgramText text;
    text.load_map(1, 0) << mov_imm(2, 8) << mov_imm(3, 0) << call(BPF_FUNC_ringbuf_reserve)
                        << jump_eq_imm(0, 0, 3) << mov_reg(1, 0) << mov_imm(2, 0)
                        << call(BPF_FUNC_ringbuf_discard) << mov_imm(0, 1) << leave();
    EXPECT_EQ(result_of(text, {ring}), 1U);
    EXPECT_EQ(RingReader(*ring).consume([](std::span<const std::byte>) { FAIL(); }), 0U);
}

TEST_F(RuntimeTest, ReadsKernelMemoryAndZeroesWhatItCannot) {
    const GuestVa text_va = emu::kBareDirectMap + 0x20000;
    ASSERT_TRUE(machine->write(text_va, std::as_bytes(std::span("hello", 6))));
    const auto read_program = [](std::int64_t helper, std::int64_t size, std::uint64_t from) {
        ProgramText text;
        text << st(BPF_DW, 10, -8, -1) << mov_reg(1, 10) << add_imm(1, -8) << mov_imm(2, size);
        text.load_imm64(3, from) << call(helper) << mov_reg(6, 0) << ldx(BPF_DW, 0, 10, -8)
                                 << jump_eq_imm(6, 0, 1) << mov_reg(0, 6) << leave();
        return text;
    };
    const std::uint64_t unmapped = 0xffff'ffff'c000'0000;
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read_kernel, 4, text_va.value)),
              0xffff'ffff'0000'0000U | 0x6c6c6568U);
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read_kernel, 8, unmapped)),
              helper_error(EFAULT));
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read_kernel, 8, 0x1000)), helper_error(ERANGE));
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read, 8, 0x1000)), helper_error(EFAULT));
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read_kernel_str, 8, text_va.value)), 6U);
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read_kernel_str, 3, text_va.value)), 3U);
    EXPECT_EQ(result_of(read_program(BPF_FUNC_probe_read_kernel_str, 8, unmapped)),
              helper_error(EFAULT));
}

TEST_F(RuntimeTest, TellsVirtualTime) {
    const auto program = load((ProgramText{} << call(BPF_FUNC_ktime_get_ns) << leave()).verified());
    const std::uint64_t before = machine->now_ns();
    const GuestRuntime::TestRun ended = run(program);
    EXPECT_GT(ended.retval, before);
    EXPECT_LT(ended.retval, machine->now_ns());
}

TEST_F(RuntimeTest, RandomNumbersRepeatInEveryMachine) {
    const ProgramText text = ProgramText{} << call(BPF_FUNC_get_prandom_u32) << leave();
    const std::uint64_t first = result_of(text);
    const std::uint64_t second = result_of(text);
    EXPECT_NE(first, second);
    auto other = std::move(*emu::make_bare_machine());
    auto other_runtime = std::make_unique<GuestRuntime>(*other);
    const auto program = other_runtime->load(text.verified(), {}, "test").value();
    EXPECT_EQ(other_runtime->test_run(program, {})->retval, first);
    EXPECT_EQ(other_runtime->test_run(program, {})->retval, second);
}

TEST_F(RuntimeTest, PrintsTraceLines) {
    std::vector<TraceLine> lines;
    runtime->set_trace_sink([&](const TraceLine& line) { lines.push_back(line); });
    ProgramText text;
    text.text_on_stack("n=%d hex=%llx", -32)
        << mov_reg(1, 10) << add_imm(1, -32) << mov_imm(2, 14) << mov_imm(3, -5)
        << mov_imm(4, 0xbeef) << mov_imm(5, 0) << call(BPF_FUNC_trace_printk) << leave();
    EXPECT_EQ(result_of(text), 13U);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].text, "n=-5 hex=beef");
    EXPECT_GT(lines[0].ns, 0U);
}

TEST_F(RuntimeTest, WithoutAKernelThereIsNoCurrentTask) {
    EXPECT_EQ(result_of(ProgramText{} << call(BPF_FUNC_get_current_pid_tgid) << leave()),
              helper_error(EINVAL));
    EXPECT_EQ(result_of(ProgramText{} << call(BPF_FUNC_get_smp_processor_id) << leave()), 0U);
}

TEST_F(RuntimeTest, ASpinningProgramMeetsItsLimit) {
    const auto spin = load((ProgramText{} << go_to(-1) << leave()).verified());
    const cpu::RegisterFile before = machine->cpu().registers();
    EXPECT_EQ(runtime->test_run(spin, {}, 1000).error().linux_errno, ETIMEDOUT);
    EXPECT_TRUE(machine->cpu().registers() == before);
    EXPECT_FALSE(runtime->busy());
    EXPECT_EQ(result_of(ProgramText{} << mov_imm(0, 3) << leave()), 3U);
}

TEST_F(RuntimeTest, AProgramThatFaultsIsReported) {
    ProgramText text;
    text.load_imm64(1, 0xffff'ffff'c000'0000) << ldx(BPF_DW, 0, 1, 0) << leave();
    const auto program = load(text.verified());
    EXPECT_EQ(runtime->test_run(program, {}).error().linux_errno, EFAULT);
    EXPECT_EQ(result_of(ProgramText{} << mov_imm(0, 3) << leave()), 3U);
}

TEST_F(RuntimeTest, RefusesAnUnknownHelperByName) {
    const auto loaded = runtime->load(
        (ProgramText{} << call(BPF_FUNC_skb_store_bytes) << leave()).verified(), {}, "test");
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().linux_errno, EINVAL);
    EXPECT_EQ(loaded.error().where, "bpf_skb_store_bytes");
}

TEST_F(RuntimeTest, AFreedProgramGivesItsTextBack) {
    const ProgramText text = ProgramText{} << mov_imm(0, 1) << leave();
    const GuestVa first = load(text.verified())->entry();
    EXPECT_EQ(load(text.verified())->entry(), first);
}

}  // namespace
}  // namespace trapgate::bpf
