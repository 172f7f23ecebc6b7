// SPDX-License-Identifier: GPL-2.0-only
// The JIT's output as text, instruction by instruction. TRAPGATE_REBASE=1 writes the file anew;
// look at its diff.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <Zydis/Zydis.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bpf/disasm.hpp"
#include "tests/bpf/build.hpp"
#include "tests/bpf/native_run.hpp"

namespace trapgate::bpf::test {
namespace {

constexpr std::uint64_t kBase = 0x1000;

struct Golden {
    const char* name;
    std::vector<Insn> insns;
    bool zero_stack = false;
    std::vector<std::pair<std::uint32_t, std::int32_t>> call_map = {};
};

std::vector<Golden> goldens() {
    return {
        {"constants", Program{mov(0, 0), mov(1, 1), mov(2, -1), alu32(BPF_MOV, 3, -1)}
                          .load_imm64(4, 0x123456789abcdef0)
                          .add({exit_insn()})
                          .insns()},
        {"alu",
         {alu64_reg(BPF_ADD, 0, 1), alu32(BPF_SUB, 6, 1000), alu64(BPF_AND, 7, 15),
          alu64_reg(BPF_MUL, 8, 9), alu64(BPF_NEG, 0, 0), exit_insn()}},
        {"shifts",
         {alu64(BPF_LSH, 0, 1), alu64_reg(BPF_RSH, 0, 4), alu32_reg(BPF_ARSH, 4, 1),
          alu64_reg(BPF_LSH, 1, 2), exit_insn()}},
        {"division",
         {alu64(BPF_DIV, 0, 8), alu64_reg(BPF_MOD, 0, 3), raw(BPF_ALU64 | BPF_DIV | BPF_X, 1, 2, 1),
          exit_insn()}},
        {"memory",
         {load(BPF_B, 0, 1, 1), load(BPF_DW, 0, 10, -8), store(BPF_B, 10, -1, 1),
          store(BPF_H, 10, -4, 2), store_imm(BPF_DW, 10, -16, -1), exit_insn()}},
        {"atomics",
         {atomic(BPF_DW, BPF_ADD, 1, 0, 2), atomic(BPF_W, BPF_ADD | BPF_FETCH, 1, 0, 2),
          atomic(BPF_DW, BPF_OR | BPF_FETCH, 1, 8, 2), atomic(BPF_W, BPF_CMPXCHG, 1, 0, 2),
          exit_insn()}},
        {"branches are short where they reach",
         {jump(BPF_JEQ, 1, 0, 1), mov(0, 7), jump_reg(BPF_JSGT, 1, 2, -3), jump_always(0),
          exit_insn()}},
        {"frame with saved registers and unwritten stack",
         {mov_reg(6, 1), store(BPF_DW, 10, -8, 6), load(BPF_DW, 0, 10, -24), exit_insn()},
         true},
        {"array look-up inline",
         Program{mov_reg(2, 10), alu64(BPF_ADD, 2, -4)}
             .load_map(1, 0)
             .add({call(BPF_FUNC_map_lookup_elem), exit_insn()})
             .insns(),
         false,
         {{4, 0}}},
        {"helper and local calls",
         {call_local(2), call(BPF_FUNC_ktime_get_ns), exit_insn(), mov(0, 3), exit_insn()}},
    };
}

std::string machine_code(std::span<const std::uint8_t> code, std::uint64_t va) {
    std::string text;
    while (!code.empty()) {
        ZydisDisassembledInstruction insn;
        if (!ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, va, code.data(),
                                                code.size(), &insn))) {
            return text + "    ??\n";
        }
        text += fmt::format("    {:4x}  {}\n", va - kBase, insn.text);
        code = code.subspan(insn.info.length);
        va += insn.info.length;
    }
    return text;
}

std::string golden_text(const Golden& golden) {
    VerifiedProgram program = unverified(golden.insns);
    program.stack_bytes = 32;
    program.reads_uninit_stack = golden.zero_stack;
    for (const auto& [insn, map] : golden.call_map) {
        program.call_map[insn] = map;
    }
    const JitMap map{.handle = 0x7777,
                     .value_va = 0xffffffffc0001000,
                     .type = BPF_MAP_TYPE_ARRAY,
                     .value_size = 20,
                     .value_stride = 24,
                     .max_entries = 10};
    const Result<JitImage> image = jit_encode(
        {program, {&map, 1}, kBase, [](std::uint32_t id) { return 0x9000 + id * 16ULL; }});
    if (!image) {
        return fmt::format("== {}\nerror: {}\n", golden.name, image.error().message());
    }
    std::string text = fmt::format("== {} ({} bytes)\n", golden.name, image->code.size());
    for (std::size_t i = 0; i < image->lines.size(); ++i) {
        const JitLine& line = image->lines[i];
        const std::size_t end = i + 1 < image->lines.size() ? image->lines[i + 1].code_offset
                                                            : image->code.size();
        text += fmt::format("{}: {}\n", line.bpf_insn, disassemble(program.insns, line.bpf_insn));
        text += machine_code(
            std::span(image->code).subspan(line.code_offset, end - line.code_offset),
            kBase + line.code_offset);
    }
    return text + "\n";
}

TEST(JitGolden, EncodesAsWrittenDown) {
    std::string text;
    for (const Golden& golden : goldens()) {
        text += golden_text(golden);
    }
    const std::string path = TRAPGATE_SOURCE_DIR "/tests/bpf/jit_goldens.txt";
    if (std::getenv("TRAPGATE_REBASE") != nullptr) {
        std::ofstream(path) << text;
    }
    std::ifstream file(path);
    std::stringstream expected;
    expected << file.rdbuf();
    EXPECT_EQ(text, expected.str()) << "TRAPGATE_REBASE=1 accepts the new text";
}

TEST(JitEncode, SizeDoesNotDependOnTheAddress) {
    for (const Golden& golden : goldens()) {
        const VerifiedProgram program = unverified(golden.insns);
        const JitMap map{.handle = 1, .value_va = 0x5000, .type = BPF_MAP_TYPE_ARRAY};
        std::vector<std::size_t> sizes;
        for (const std::uint64_t base : {0ULL, 0x10000ULL, 0x7fff0000ULL}) {
            const auto image = jit_encode(
                {program, {&map, 1}, base, [](std::uint32_t) { return 0x4000ULL; }});
            ASSERT_TRUE(image.has_value()) << golden.name;
            sizes.push_back(image->code.size());
        }
        EXPECT_EQ(sizes[0], sizes[1]) << golden.name;
        EXPECT_EQ(sizes[0], sizes[2]) << golden.name;
    }
}

TEST(JitEncode, BranchesOfEveryDistanceLand) {
    for (const int distance : {1, 10, 24, 25, 26, 30, 31, 32, 33, 100, 1000}) {
        std::vector<Insn> insns{mov(0, 0), jump(BPF_JEQ, 0, 0, distance)};
        for (int i = 0; i < distance; ++i) {
            insns.push_back(alu64(BPF_ADD, 0, 1));
        }
        insns.push_back(alu64(BPF_ADD, 0, 100));
        insns.push_back(jump(BPF_JEQ, 0, 100, -distance - 2));
        insns.push_back(exit_insn());
        EXPECT_EQ(run_native(unverified(insns), {}, {}, 0).value(),
                  static_cast<std::uint64_t>(distance + 200))
            << distance;
    }
}

TEST(JitEncode, RefusesWhatItCannotEncode) {
    const auto encode = [](std::vector<Insn> insns) {
        const VerifiedProgram program = unverified(std::move(insns));
        return jit_encode({program, {}, 0, [](std::uint32_t) { return 0ULL; }});
    };
    constexpr int kNotSupp = 524;
    EXPECT_EQ(encode({raw(BPF_JMP | BPF_CALL | BPF_X), exit_insn()}).error().linux_errno, kNotSupp);
    EXPECT_EQ(encode({raw(BPF_LD | BPF_ABS | BPF_W), exit_insn()}).error().linux_errno, kNotSupp);
    EXPECT_EQ(encode({call(BPF_FUNC_tail_call), exit_insn()}).error().linux_errno, kNotSupp);
    EXPECT_FALSE(encode({}).has_value());
    EXPECT_FALSE(encode({jump_always(7), exit_insn()}).has_value());
    EXPECT_FALSE(encode({raw(BPF_LD | BPF_IMM | BPF_DW)}).has_value());
}

}  // namespace
}  // namespace trapgate::bpf::test
