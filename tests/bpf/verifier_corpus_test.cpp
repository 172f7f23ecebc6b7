// SPDX-License-Identifier: GPL-2.0-only
// The verifier against what Linux 6.18 said of thousands of programs.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bpf/maps/memfd_storage.hpp"
#include "bpf/verifier/verifier.hpp"
#include "tests/bpf/corpus.hpp"
#include "tests/bpf/native_run.hpp"
#include "tests/bpf/spec_map.hpp"

namespace trapgate::bpf::test {
namespace {

MapSpec fixup_spec(const std::string& kind) {
    constexpr std::uint32_t kHash = BPF_MAP_TYPE_HASH;
    constexpr std::uint32_t kArray = BPF_MAP_TYPE_ARRAY;
    static const std::map<std::string, MapSpec> kSpecs = {
        {"map_hash_8b", {kHash, 8, 8, 1, BPF_F_NO_PREALLOC, ""}},
        {"map_hash_16b", {kHash, 8, 16, 1, BPF_F_NO_PREALLOC, ""}},
        {"map_hash_48b", {kHash, 8, 48, 1, BPF_F_NO_PREALLOC, ""}},
        {"map_array_48b", {kArray, 4, 48, 1, 0, ""}},
        {"map_array_ro", {kArray, 4, 48, 1, BPF_F_RDONLY_PROG, ""}},
        {"map_array_wo", {kArray, 4, 48, 1, BPF_F_WRONLY_PROG, ""}},
        {"map_array_small", {kArray, 4, 1, 1, 0, ""}},
        {"map_stacktrace", {BPF_MAP_TYPE_STACK_TRACE, 4, 8, 1, 0, ""}},
        {"map_event_output", {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1, 0, ""}},
        {"map_ringbuf", {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, ""}},
        {"map_in_map", {BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, ""}},
        {"prog1", {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, ""}},
        {"prog2", {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8, 0, ""}},
    };
    const auto found = kSpecs.find(kind);
    // Kinds that only other program types use: any map that no helper takes.
    return found == kSpecs.end() ? MapSpec{BPF_MAP_TYPE_XSKMAP, 4, 4, 1, 0, ""} : found->second;
}

struct Tally {
    int accepted = 0, linux_accepts = 0, rejected = 0, linux_rejects = 0, wrong_errno = 0;
    std::string false_accepts, missed_accepts, differences;

    void add(const std::string& name, int linux_load, const VerifierAnswer& answer,
             const std::string& linux_last) {
        const bool ours = answer.verdict.has_value();
        if (linux_load >= 0) {
            ++linux_accepts;
            accepted += ours;
            if (!ours) {
                missed_accepts += fmt::format("{}: {}\n", name, last_words(answer.log));
            }
            return;
        }
        ++linux_rejects;
        rejected += !ours;
        if (ours) {
            false_accepts += fmt::format("{}: Linux said {} {}\n", name, linux_load, linux_last);
        } else if (answer.verdict.error().linux_errno != -linux_load ||
                   answer.log.find(linux_last) == std::string::npos) {
            ++wrong_errno;
            differences += fmt::format("{}: Linux {} '{}', ours {} '{}'\n", name, linux_load,
                                       linux_last, -answer.verdict.error().linux_errno,
                                       last_words(answer.log));
        }
    }

    /// The line above the statistics.
    static std::string last_words(const std::string& log) {
        const std::size_t end = log.rfind("\nprocessed ");
        if (end == std::string::npos) {
            return log;
        }
        const std::size_t start = log.rfind('\n', end - 1);
        return log.substr(start == std::string::npos ? 0 : start + 1, end - start - 1);
    }

    [[nodiscard]] std::string summary() const {
        return fmt::format("accepts {}/{}, rejects {}/{}, of these {} with another errno or text",
                           accepted, linux_accepts, rejected, linux_rejects, wrong_errno);
    }
};

TEST(VerifierCorpus, AgreesWithLinuxTestVerifier) {
    const std::optional<nlohmann::json> corpus = load_cases("linux_6.1_test_verifier.json.gz");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    Tally tally;
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        if (!test["kprobe_portable"].get<bool>() || test["insns"].is_null()) {
            continue;
        }
        std::vector<Insn> insns = insns_of(test["insns"]);
        std::vector<std::unique_ptr<Map>> maps;
        std::vector<const Map*> pointers;
        for (const auto& [kind, places] : test["fixups"].items()) {
            for (const nlohmann::json& place : places) {
                insns[place.get<std::size_t>()].imm = static_cast<std::int32_t>(maps.size());
            }
            maps.push_back(std::make_unique<SpecMap>(fixup_spec(kind)));
            pointers.push_back(maps.back().get());
        }
        VerifierInput input;
        input.prog_type = BPF_PROG_TYPE_KPROBE;
        input.insns = insns;
        input.maps = pointers;
        input.gpl_compatible = true;
        input.log_level = 1;
        input.prog_flags = (test["flags"].get<std::uint32_t>() & 2) != 0 ? BPF_F_STRICT_ALIGNMENT
                                                                         : 0;
        const nlohmann::json& said = test["as_kprobe"];
        const nlohmann::json last = said.value("log_last", nlohmann::json());
        tally.add(test["file"].get<std::string>() + ": " + test["name"].get<std::string>(),
                  said["load"].get<int>(), verify(input),
                  last.is_string() ? last.get<std::string>() : "");
    }
    RecordProperty("summary", tally.summary());
    fmt::print("{}\n", tally.summary());
    write_artifact("test_verifier_missed.txt", tally.missed_accepts);
    write_artifact("test_verifier_differences.txt", tally.differences);
    EXPECT_EQ(tally.false_accepts, "");
    EXPECT_GE(tally.accepted * 100, tally.linux_accepts * 60) << tally.missed_accepts;
}

/// Stores the low byte of a map value's address into the map: the content depends on where the map
/// lies.
constexpr std::string_view kDependsOnAddress = "rnd9909";

/// Linux's verdicts on generated programs; those that pass run natively, and must leave the same
/// value in R0 and map.
TEST(VerifierCorpus, AgreesWithRandomOracle) {
    const std::optional<nlohmann::json> corpus = load_cases("random_oracle_dev.json.gz");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    Tally tally;
    int ran = 0;
    int compared = 0;
    std::string wrong;
    MemfdStorage storage;
    const std::vector<std::byte> context(256);
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        const auto id = test["id"].get<std::string>();
        std::vector<Insn> insns = insns_of(test["insns"]);
        for (const nlohmann::json& ref : test["map_refs"]) {
            insns[ref[0].get<std::size_t>()].imm = ref[1].get<std::int32_t>();
        }
        const std::unique_ptr<Map> array = make_map({BPF_MAP_TYPE_ARRAY, 4, 48, 1, 0, ""}, storage)
                                               .value();
        const std::vector<std::byte> key(4);
        std::vector<std::byte> value = bytes_of(test["map_init"].get<std::string>());
        ASSERT_EQ(array->update(key, value, BPF_ANY), 0);
        const Map* const maps[] = {array.get()};
        VerifierInput input;
        input.prog_type = BPF_PROG_TYPE_KPROBE;
        input.insns = insns;
        input.maps = maps;
        input.gpl_compatible = true;
        input.log_level = 1;
        const bool accepts = test["as_kprobe"] == "ACCEPT";
        const VerifierAnswer answer = verify(input);
        tally.add(id, accepts ? 0 : -1, answer, "");
        if (!answer.verdict || !accepts || test["verdict"] != "ACCEPT") {
            continue;
        }
        ++ran;
        const JitMap jit_map{.handle = 1,
                             .value_va = array->shared()->guest_va,
                             .type = BPF_MAP_TYPE_ARRAY,
                             .value_size = 48,
                             .value_stride = 48,
                             .max_entries = 1};
        const Result<std::uint64_t> r0 = run_native(
            *answer.verdict, {&jit_map, 1}, {}, reinterpret_cast<std::uint64_t>(context.data()));
        const auto after = test["map_after"].get<std::string>();
        const std::vector<std::byte> expected = after.empty() ? value : bytes_of(after);
        ASSERT_EQ(array->lookup(key, value), 0);
        const auto retval = test["retval"].get<std::uint32_t>();
        // Linux reads old stack where nothing was written; here it is zero.
        const bool may_differ = answer.verdict->reads_uninit_stack || id == kDependsOnAddress;
        const bool same = r0 && static_cast<std::uint32_t>(*r0) == retval && value == expected;
        compared += !may_differ;
        if (!r0 || (!same && !may_differ)) {
            wrong += fmt::format("{}: r0 {:#x}, expected {:#x}; map {}\n", id, r0.value_or(0),
                                 retval, value == expected);
        }
    }
    fmt::print("{}; {} ran, {} compared\n", tally.summary(), ran, compared);
    write_artifact("random_oracle_missed.txt", tally.missed_accepts);
    EXPECT_EQ(tally.false_accepts, "");
    EXPECT_GE(tally.accepted * 100, tally.linux_accepts * 98) << tally.missed_accepts;
    EXPECT_EQ(wrong, "");
    EXPECT_GT(compared, 150);
}

/// The raw program of a .data file: hex bytes in lines below "-- raw".
std::vector<Insn> raw_program(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string hex;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("--")) {
            inside = line.starts_with("-- raw");
        } else if (inside) {
            hex += line;
        }
    }
    return insns_from_hex(hex).value();
}

TEST(VerifierCorpus, RefusesReservedFields) {
    if (case_folder().empty()) {
        GTEST_SKIP() << kNoCases;
    }
    int refused = 0;
    std::string accepted;
    for (const auto& entry :
         std::filesystem::directory_iterator(case_folder() + "/bpf_conformance_negative")) {
        const std::vector<Insn> insns = raw_program(entry.path());
        VerifierInput input;
        input.prog_type = BPF_PROG_TYPE_KPROBE;
        input.insns = insns;
        const VerifierAnswer answer = verify(input);
        refused += !answer.verdict;
        if (answer.verdict) {
            accepted += entry.path().filename().string() + "\n";
        }
    }
    EXPECT_EQ(accepted, "");
    EXPECT_EQ(refused, 45);
}

}  // namespace
}  // namespace trapgate::bpf::test
