// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/verifier/verifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/build.hpp"
#include "tests/bpf/spec_map.hpp"

namespace trapgate::bpf::test {
namespace {

using ::testing::HasSubstr;

struct Verify : ::testing::Test {
    SpecMap array{{BPF_MAP_TYPE_ARRAY, 4, 48, 10, 0, "arr"}};
    SpecMap ring{{BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, "ring"}};
    SpecMap cell{{BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0, "cell"}};
    const Map* maps[3] = {&array, &ring, &cell};
    static constexpr int kArray = 0;
    static constexpr int kRing = 1;
    static constexpr int kCell = 2;

    VerifierAnswer check(const std::vector<Insn>& insns, std::uint32_t level = 1,
                         std::uint32_t type = BPF_PROG_TYPE_KPROBE, bool gpl = true) {
        VerifierInput input;
        input.prog_type = type;
        input.insns = insns;
        input.maps = maps;
        input.gpl_compatible = gpl;
        input.log_level = level;
        return verify(input);
    }
    void expect_refused(const std::vector<Insn>& insns, int error, const std::string& words) {
        const VerifierAnswer answer = check(insns);
        ASSERT_FALSE(answer.verdict.has_value()) << words;
        EXPECT_EQ(answer.verdict.error().linux_errno, error) << answer.log;
        EXPECT_THAT(answer.log, HasSubstr(words));
    }
    void expect_accepted(const std::vector<Insn>& insns) {
        const VerifierAnswer answer = check(insns);
        EXPECT_TRUE(answer.verdict.has_value()) << answer.log;
    }

    /// r0 = lookup(map, key at fp-8 = `key`).
    Program lookup(int map, std::int32_t key) {
        Program p{store_imm(BPF_W, 10, -8, key), mov_reg(2, 10), alu64(BPF_ADD, 2, -8)};
        p.load_map(1, map).add({call(BPF_FUNC_map_lookup_elem)});
        return p;
    }
    Program reserve(std::int32_t bytes) {
        Program p{};
        p.load_map(1, kRing).add({mov(2, bytes), mov(3, 0), call(BPF_FUNC_ringbuf_reserve)});
        return p;
    }
};

TEST_F(Verify, LogOfARefusalIsLinuxs) {
    // Captured from Linux 6.18.
    EXPECT_EQ(
        check({mov(0, 0), load(BPF_W, 1, 10, -4), jump(BPF_JNE, 1, 7, 2), alu32(BPF_MOV, 2, -5),
               jump_always(1), mov(2, 9), load(BPF_DW, 3, 1, 0), exit_insn()})
            .log,
        "0: R1=ctx() R10=fp0\n"
        "0: (b7) r0 = 0                        ; R0=0\n"
        "1: (61) r1 = *(u32 *)(r10 -4)         ; R1=scalar(smin=0,smax=umax=0xffffffff,"
        "var_off=(0x0; 0xffffffff)) R10=fp0\n"
        "2: (55) if r1 != 0x7 goto pc+2        ; R1=7\n"
        "3: (b4) w2 = -5                       ; R2=0xfffffffb\n"
        "4: (05) goto pc+1\n"
        "6: (79) r3 = *(u64 *)(r1 +0)\n"
        "R1 invalid mem access 'scalar'\n"
        "processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 "
        "peak_states 0 mark_read 0\n");
}

TEST_F(Verify, LogLevelsKeepWhatLinuxKeeps) {
    const std::vector<Insn> insns{mov(0, 0), exit_insn()};
    EXPECT_EQ(check(insns, 0).log, "");
    EXPECT_EQ(check(insns, 1).log,
              "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 "
              "peak_states 0 mark_read 0\n");
    EXPECT_THAT(check(insns, 2).log, HasSubstr("func#0 @0\n0: R1=ctx() R10=fp0\n0: (b7) r0 = 0"));
    EXPECT_THAT(check(insns, 4).log, HasSubstr("stack depth 0\nprocessed 2 insns"));
}

TEST_F(Verify, ReadsOnlyWhatWasWritten) {
    expect_refused({exit_insn()}, EACCES, "R0 !read_ok");
    expect_refused({mov_reg(0, 2), exit_insn()}, EACCES, "R2 !read_ok");
    expect_refused({mov(10, 0), exit_insn()}, EACCES, "frame pointer is read only");
}

TEST_F(Verify, ContextIsReadInBoundsAlignedAndNeverWritten) {
    expect_accepted({load(BPF_DW, 0, 1, 160), exit_insn()});
    expect_refused({load(BPF_DW, 0, 1, 168), exit_insn()}, EACCES,
                   "invalid bpf_context access off=168 size=8");
    expect_refused({load(BPF_DW, 0, 1, 4), exit_insn()}, EACCES,
                   "invalid bpf_context access off=4 size=8");
    expect_refused({store_imm(BPF_DW, 1, 0, 0), mov(0, 0), exit_insn()}, EACCES,
                   "invalid bpf_context access");
    expect_refused({alu64(BPF_ADD, 1, 8), load(BPF_DW, 0, 1, 0), exit_insn()}, EACCES,
                   "dereference of modified ctx ptr R1 off=8 disallowed");
}

TEST_F(Verify, LookUpsWantANullCheckAndBounds) {
    expect_refused(lookup(kArray, 99).add({load(BPF_DW, 0, 0, 0), exit_insn()}).insns(), EACCES,
                   "R0 invalid mem access 'map_value_or_null'");
    expect_accepted(
        lookup(kArray, 99)
            .add({jump(BPF_JEQ, 0, 0, 1), load(BPF_DW, 0, 0, 40), mov(0, 0), exit_insn()})
            .insns());
    expect_refused(
        lookup(kArray, 99)
            .add({jump(BPF_JEQ, 0, 0, 1), load(BPF_DW, 0, 0, 41), mov(0, 0), exit_insn()})
            .insns(),
        EACCES, "invalid access to map value, value_size=48 off=41 size=8");
}

TEST_F(Verify, ConstantKeysInsideAnArrayNeedNoNullCheck) {
    expect_accepted(lookup(kArray, 9).add({load(BPF_DW, 0, 0, 0), exit_insn()}).insns());
}

TEST_F(Verify, IndexesAreBoundedByBranches) {
    const auto indexed = [&](int limit) {
        return lookup(kArray, 1)
            .add({load(BPF_W, 1, 0, 0), jump(BPF_JGT, 1, limit, 2), alu64_reg(BPF_ADD, 0, 1),
                  load(BPF_B, 0, 0, 0), mov(0, 0), exit_insn()})
            .insns();
    };
    expect_accepted(indexed(47));
    expect_refused(indexed(48), EACCES, "R0 max value is outside of the allowed memory range");
}

TEST_F(Verify, RingRecordsMustBeGivenBack) {
    expect_refused(reserve(8).add({mov(0, 0), exit_insn()}).insns(), EINVAL,
                   "Unreleased reference id=1 alloc_insn=4");
    expect_accepted(reserve(8)
                        .add({jump(BPF_JEQ, 0, 0, 4), store_imm(BPF_DW, 0, 0, 1), mov_reg(1, 0),
                              mov(2, 0), call(BPF_FUNC_ringbuf_submit), mov(0, 0), exit_insn()})
                        .insns());
    expect_refused(reserve(8)
                       .add({jump(BPF_JEQ, 0, 0, 4), store_imm(BPF_DW, 0, 8, 1), mov_reg(1, 0),
                             mov(2, 0), call(BPF_FUNC_ringbuf_submit), mov(0, 0), exit_insn()})
                       .insns(),
                   EACCES, "invalid access to memory, mem_size=8 off=8 size=8");
    expect_refused(
        reserve(8)
            .add({jump(BPF_JEQ, 0, 0, 5), mov_reg(6, 0), mov_reg(1, 0), mov(2, 0),
                  call(BPF_FUNC_ringbuf_submit), load(BPF_DW, 0, 6, 0), mov(0, 0), exit_insn()})
            .insns(),
        EACCES, "R6 invalid mem access 'scalar'");
}

TEST_F(Verify, SpilledPointersComeBackWhole) {
    expect_accepted(
        {store(BPF_DW, 10, -8, 1), load(BPF_DW, 2, 10, -8), load(BPF_DW, 0, 2, 0), exit_insn()});
    expect_refused({store(BPF_DW, 10, -8, 1), load(BPF_W, 2, 10, -8), mov(0, 0), exit_insn()},
                   EACCES, "invalid size of register fill");
    expect_refused({store(BPF_DW, 10, -8, 1), store_imm(BPF_B, 10, -8, 0), load(BPF_DW, 2, 10, -8),
                    load(BPF_DW, 0, 2, 0), exit_insn()},
                   EACCES, "R2 invalid mem access 'scalar'");
}

TEST_F(Verify, StackEndsAfter512Bytes) {
    expect_accepted({store_imm(BPF_DW, 10, -512, 0), mov(0, 0), exit_insn()});
    expect_refused({store_imm(BPF_DW, 10, -520, 0), mov(0, 0), exit_insn()}, EACCES,
                   "invalid write to stack R10 off=-520 size=8");
    expect_refused({store_imm(BPF_DW, 10, 0, 0), mov(0, 0), exit_insn()}, EACCES,
                   "invalid write to stack R10 off=0 size=8");
    expect_refused({store_imm(BPF_W, 10, -6, 0), mov(0, 0), exit_insn()}, EACCES,
                   "misaligned stack access off 0+0+-6 size 4");
}

TEST_F(Verify, UnwrittenStackIsNoted) {
    const auto reads = [&](const std::vector<Insn>& insns) {
        return check(insns).verdict.value().reads_uninit_stack;
    };
    EXPECT_TRUE(reads({load(BPF_DW, 0, 10, -8), exit_insn()}));
    EXPECT_FALSE(reads({store_imm(BPF_DW, 10, -8, 0), load(BPF_DW, 0, 10, -8), exit_insn()}));
}

TEST_F(Verify, LoopsMayBeBoundedButNotEndless) {
    expect_accepted({mov(0, 0), alu64(BPF_ADD, 0, 1), jump(BPF_JLT, 0, 1000, -2), exit_insn()});
    expect_refused({mov(0, 0), jump_always(-1), exit_insn()}, EINVAL, "unreachable insn 2");
    expect_refused({mov(0, 0), jump(BPF_JEQ, 0, 0, -1), exit_insn()}, EINVAL,
                   "infinite loop detected at insn 1");
    expect_refused(
        {mov(0, 5), jump(BPF_JLT, 0, 4, 2), alu64(BPF_ADD, 0, 1), jump_always(-3), exit_insn()},
        E2BIG, "BPF program is too large. Processed 1000001 insn");
}

TEST_F(Verify, NumbersThatDoNotMatterDoNotMultiplyPaths) {
    // 30 branches, each adding another constant: 2^30 sums, none of which decides anything.
    std::vector<Insn> insns{call(BPF_FUNC_get_prandom_u32), mov_reg(6, 0), mov(0, 0)};
    for (int i = 0; i < 30; ++i) {
        insns.push_back(jump(BPF_JSET, 6, 1 << i, 1));
        insns.push_back(alu64(BPF_ADD, 0, i + 1));
        insns.push_back(store(BPF_DW, 10, -8, 0));
    }
    insns.push_back(exit_insn());
    const VerifierAnswer answer = check(insns);
    ASSERT_TRUE(answer.verdict.has_value()) << answer.log;
    EXPECT_LT(answer.verdict->insns_processed, 10'000U);
}

TEST_F(Verify, NumbersThatMatterLaterAreNeverTakenForEqual) {
    // R6 is 0 or 48 where the paths join; only much later it moves a pointer.
    const auto program = [&](std::int32_t other) {
        Program p{call(BPF_FUNC_get_prandom_u32), mov(6, 0), jump(BPF_JEQ, 0, 1, 1), mov(6, other)};
        for (int i = 0; i < 4; ++i) {
            p.add({call(BPF_FUNC_get_prandom_u32), jump(BPF_JEQ, 0, 7, 3), mov(1, 1), mov(2, 2),
                   mov(3, 3), mov(4, 4)});
        }
        p.add({mov_reg(7, 6), store(BPF_DW, 10, -16, 7), load(BPF_DW, 8, 10, -16)});
        p.add(lookup(kArray, 3).insns());
        return p.add({alu64_reg(BPF_ADD, 0, 8), load(BPF_DW, 0, 0, 0), exit_insn()}).insns();
    };
    expect_accepted(program(40));
    expect_refused(program(41), EACCES, "R0 min value is outside of the allowed memory range");
}

TEST_F(Verify, ShapeIsCheckedFirst) {
    expect_refused({mov(0, 0)}, EINVAL, "last insn is not an exit or jmp");
    expect_refused({jump_always(9), exit_insn()}, EINVAL, "jump out of range from insn 0 to 10");
    expect_refused({raw(0xff), exit_insn()}, EINVAL, "unknown opcode ff");
    expect_refused({mov(0, 0), exit_insn(), mov(0, 0), exit_insn()}, EINVAL, "unreachable insn 2");
    Program p{jump(BPF_JEQ, 1, 0, 1)};
    p.load_imm64(0, 0).add({exit_insn()});
    expect_refused(p.insns(), EINVAL, "jump into the middle of ldimm64 insn 1");
    expect_refused({raw(BPF_ALU64 | BPF_MOV | BPF_X, 0, 12), exit_insn()}, EINVAL,
                   "R12 is invalid");
}

TEST_F(Verify, HelpersAreRefusedByName) {
    expect_refused({call(BPF_FUNC_tail_call), exit_insn()}, EINVAL,
                   "program of this type cannot use helper bpf_tail_call#12");
    expect_refused({call(9999), exit_insn()}, EINVAL, "invalid func unknown#9999");
    const VerifierAnswer answer = check({mov_reg(1, 10), alu64(BPF_ADD, 1, -8), mov(2, 8),
                                         mov(3, 0), call(BPF_FUNC_probe_read_kernel), exit_insn()},
                                        1, BPF_PROG_TYPE_KPROBE, false);
    EXPECT_THAT(answer.log, HasSubstr("cannot call GPL-restricted function"));
    expect_refused(Program{mov(2, 8), mov(3, 0)}
                       .load_map(1, kArray)
                       .add({call(BPF_FUNC_ringbuf_reserve), exit_insn()})
                       .insns(),
                   EINVAL, "cannot pass map_type 2 into func bpf_ringbuf_reserve#131");
}

TEST_F(Verify, OtherProgramTypesAreRefusedYet) {
    const VerifierAnswer answer = check({mov(0, 0), exit_insn()}, 1, BPF_PROG_TYPE_XDP);
    EXPECT_EQ(answer.verdict.error().linux_errno, EINVAL);
    EXPECT_THAT(answer.log, HasSubstr("program type 6 is not supported yet"));
}

TEST_F(Verify, FunctionsAreWalkedAtEachCall) {
    const VerifierAnswer answer = check(
        {call_local(1), exit_insn(), store_imm(BPF_DW, 10, -24, 1), mov(0, 3), exit_insn()});
    ASSERT_TRUE(answer.verdict.has_value()) << answer.log;
    EXPECT_EQ(answer.verdict->function_stack,
              (std::map<std::uint32_t, std::uint32_t>{{0, 0}, {2, 24}}));
    expect_refused({call_local(1), exit_insn(), mov_reg(0, 10), exit_insn()}, EINVAL,
                   "cannot return stack pointer to the caller");
    expect_refused({call_local(1), exit_insn(), call_local(-1), exit_insn()}, E2BIG,
                   "the call stack of 8 frames is too deep");
    expect_refused({store_imm(BPF_DW, 10, -400, 0), call_local(2), mov(0, 0), exit_insn(),
                    store_imm(BPF_DW, 10, -400, 0), exit_insn()},
                   EACCES, "combined stack size of 2 calls is 800. Too large");
}

TEST_F(Verify, CodeThatNoPathReachesIsDefused) {
    const VerifierAnswer answer = check(
        {mov(0, 0), jump(BPF_JEQ, 0, 0, 1), call(BPF_FUNC_tail_call), exit_insn()});
    ASSERT_TRUE(answer.verdict.has_value()) << answer.log;
    EXPECT_EQ(answer.verdict->insns[2], raw(BPF_JMP | BPF_JA, 0, 0, -1));
}

TEST_F(Verify, LookUpsOnOneMapAreNamedForTheJit) {
    const VerifierAnswer answer = check(lookup(kCell, 5).add({mov(0, 0), exit_insn()}).insns());
    ASSERT_TRUE(answer.verdict.has_value()) << answer.log;
    EXPECT_EQ(answer.verdict->call_map[5], kCell);
    EXPECT_EQ(answer.verdict->call_map[0], -1);
}

TEST_F(Verify, MapValuesByAddress) {
    const auto direct = [&](int map, std::uint64_t off) {
        return Program{}
            .load_imm64(1, static_cast<std::uint32_t>(map) | off << 32, BPF_PSEUDO_MAP_VALUE)
            .add({load(BPF_DW, 0, 1, 0), exit_insn()})
            .insns();
    };
    expect_accepted(direct(kCell, 8));
    expect_refused(direct(kCell, 9), EACCES, "value_size=16 off=9 size=8");
    expect_refused(direct(kCell, 16), EINVAL, "invalid access to map value pointer");
    expect_refused(direct(kRing, 0), EINVAL, "no direct value access support");
    expect_refused(direct(77, 0), EBADF, "fd 77 is not pointing to valid bpf_map");
}

}  // namespace
}  // namespace trapgate::bpf::test
