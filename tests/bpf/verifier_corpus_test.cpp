// SPDX-License-Identifier: GPL-2.0-only
// The verifier against what Linux 6.18 said of thousands of programs.
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bpf/maps/memfd_storage.hpp"
#include "bpf/maps/ringbuf.hpp"
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

/// One program of Linux's test_verifier with its maps.
struct CorpusProgram {
    std::vector<Insn> insns;
    std::vector<std::unique_ptr<Map>> maps;
    bool has_real_maps = true;  ///< All maps are of types that exist here.

    CorpusProgram(const nlohmann::json& test, Storage& storage) : insns(insns_of(test["insns"])) {
        for (const auto& [kind, places] : test["fixups"].items()) {
            for (const nlohmann::json& place : places) {
                insns[place.get<std::size_t>()].imm = static_cast<std::int32_t>(maps.size());
            }
            const MapSpec spec = fixup_spec(kind);
            Result<std::unique_ptr<Map>> real = make_map(spec, storage);
            has_real_maps = has_real_maps && real.has_value();
            maps.push_back(real ? std::move(*real) : std::make_unique<SpecMap>(spec));
            if (spec.type == BPF_MAP_TYPE_ARRAY && spec.value_size == 48) {
                fill_first_value(*maps.back());
            }
        }
    }

    /// {u32 index = 28; int foo[11]} with foo[6] = 0xabcdef12.
    static void fill_first_value(Map& map) {
        std::vector<std::byte> value(48);
        const std::uint32_t index = 28;
        const std::uint32_t foo = 0xabcdef12;
        std::memcpy(value.data(), &index, sizeof(index));
        std::memcpy(value.data() + index, &foo, sizeof(foo));
        EXPECT_EQ(map.update(std::vector<std::byte>(4), value, BPF_ANY), 0);
    }

    [[nodiscard]] VerifierAnswer check(std::uint32_t flags) const {
        std::vector<const Map*> pointers;
        for (const auto& map : maps) {
            pointers.push_back(map.get());
        }
        VerifierInput input;
        input.prog_type = BPF_PROG_TYPE_KPROBE;
        input.insns = insns;
        input.maps = pointers;
        input.gpl_compatible = true;
        input.log_level = 1;
        input.prog_flags = flags;
        return verify(input);
    }
};

/// Helpers that work on the maps of the one program that runs; a map's handle is its address.
namespace native {

Map& map_of(std::uint64_t handle) { return *reinterpret_cast<Map*>(handle); }
RingbufMap& ring_of(std::uint64_t handle) { return dynamic_cast<RingbufMap&>(map_of(handle)); }
std::span<const std::byte> memory(std::uint64_t va, std::uint64_t bytes) {
    return {reinterpret_cast<const std::byte*>(va), bytes};
}
std::uint64_t from_errno(int error) { return static_cast<std::uint64_t>(std::int64_t{error}); }

RingbufMap* the_ring = nullptr;

std::uint64_t lookup(std::uint64_t map, std::uint64_t key, std::uint64_t, std::uint64_t,
                     std::uint64_t) {
    return map_of(map).value_va(memory(key, map_of(map).spec().key_size));
}
std::uint64_t update(std::uint64_t map, std::uint64_t key, std::uint64_t value, std::uint64_t flags,
                     std::uint64_t) {
    const MapSpec& spec = map_of(map).spec();
    return from_errno(
        map_of(map).update(memory(key, spec.key_size), memory(value, spec.value_size), flags));
}
std::uint64_t erase(std::uint64_t map, std::uint64_t key, std::uint64_t, std::uint64_t,
                    std::uint64_t) {
    return from_errno(map_of(map).erase(memory(key, map_of(map).spec().key_size)));
}
std::uint64_t some_number(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                          std::uint64_t) {
    return 0x12345678;
}
std::uint64_t ring_reserve(std::uint64_t map, std::uint64_t size, std::uint64_t flags,
                           std::uint64_t, std::uint64_t) {
    the_ring = &ring_of(map);
    const std::uint64_t record = the_ring->reserve(size, flags);
    return record == 0 ? 0 : the_ring->block().guest_va + record;
}
std::uint64_t ring_submit(std::uint64_t record, std::uint64_t flags, std::uint64_t, std::uint64_t,
                          std::uint64_t) {
    the_ring->submit(the_ring->record_at(record), flags);
    return 0;
}
std::uint64_t ring_output(std::uint64_t map, std::uint64_t data, std::uint64_t size,
                          std::uint64_t flags, std::uint64_t) {
    bool wake = false;
    return from_errno(ring_of(map).output(memory(data, size), flags, &wake));
}

const NativeHelpers kHelpers = {
    {BPF_FUNC_map_lookup_elem, lookup},       {BPF_FUNC_map_update_elem, update},
    {BPF_FUNC_map_delete_elem, erase},        {BPF_FUNC_ktime_get_ns, some_number},
    {BPF_FUNC_get_prandom_u32, some_number},  {BPF_FUNC_ringbuf_output, ring_output},
    {BPF_FUNC_ringbuf_reserve, ring_reserve}, {BPF_FUNC_ringbuf_submit, ring_submit},
    {BPF_FUNC_ringbuf_discard, ring_submit}};

}  // namespace native

/// Whether it can run here and must give what Linux gave: real maps, helpers that exist, a context
/// that it never reads (Linux ran it with another one).
bool is_comparable(const nlohmann::json& test, const CorpusProgram& program) {
    if (test["prog_type"] != BPF_PROG_TYPE_SOCKET_FILTER || !program.has_real_maps ||
        test["name"] == "calls: callee using two args") {  // Reads it through a copy.
        return false;
    }
    for (const Insn& insn : program.insns) {
        const bool unknown_helper = insn.is_helper_call() &&
                                    !native::kHelpers.contains(
                                        static_cast<std::uint32_t>(insn.imm));
        if (unknown_helper || (insn.cls() == BPF_LDX && insn.src == 1)) {
            return false;
        }
    }
    const nlohmann::json retvals = test["obs"].value("retvals", nlohmann::json::array());
    return retvals.size() == 1 && retvals[0].is_number();
}

/// Programs whose result is a pointer say so with this expectation (0xcafe4a).
constexpr std::uint32_t kAnyPointer = 13303370;

TEST(VerifierCorpus, AgreesWithLinuxTestVerifier) {
    const std::optional<nlohmann::json> corpus = load_cases("linux_6.1_test_verifier.json.gz");
    if (!corpus) {
        GTEST_SKIP() << kNoCases;
    }
    Tally tally;
    MemfdStorage storage;
    int compared = 0;
    std::string wrong;
    std::vector<std::byte> context(512);
    for (const nlohmann::json& test : (*corpus)["cases"]) {
        if (!test["kprobe_portable"].get<bool>() || test["insns"].is_null()) {
            continue;
        }
        const CorpusProgram program(test, storage);
        const bool strict = (test["flags"].get<std::uint32_t>() & 2) != 0;
        const VerifierAnswer answer = program.check(strict ? BPF_F_STRICT_ALIGNMENT : 0);
        const nlohmann::json& said = test["as_kprobe"];
        const nlohmann::json last = said.value("log_last", nlohmann::json());
        const std::string name = test["file"].get<std::string>() + ": " +
                                 test["name"].get<std::string>();
        tally.add(name, said["load"].get<int>(), answer,
                  last.is_string() ? last.get<std::string>() : "");
        if (!answer.verdict || said["load"].get<int>() < 0 || !is_comparable(test, program) ||
            answer.verdict->reads_uninit_stack) {
            continue;
        }
        ++compared;
        std::vector<JitMap> jit_maps;
        for (const auto& map : program.maps) {
            JitMap out{.handle = reinterpret_cast<std::uint64_t>(map.get()),
                       .type = map->spec().type,
                       .value_size = map->spec().value_size,
                       .max_entries = map->spec().max_entries};
            if (out.type == BPF_MAP_TYPE_ARRAY) {
                out.value_va = map->shared()->guest_va;
                out.value_stride = (out.value_size + 7) & ~7U;
            }
            jit_maps.push_back(out);
        }
        const Result<std::uint64_t> r0 = run_native(
            *answer.verdict, jit_maps, native::kHelpers,
            reinterpret_cast<std::uint64_t>(context.data()));
        const auto expected = test["obs"]["retvals"][0].get<std::uint32_t>();
        const bool any = test["runs"].size() == 1 && test["runs"][0]["retval"] == kAnyPointer;
        if (!r0 || (!any && static_cast<std::uint32_t>(*r0) != expected)) {
            wrong += fmt::format("{}: r0 {:#x}, expected {:#x}\n", name, r0.value_or(0), expected);
        }
    }
    fmt::print("{}; {} results compared\n", tally.summary(), compared);
    write_artifact("test_verifier_missed.txt", tally.missed_accepts);
    write_artifact("test_verifier_differences.txt", tally.differences);
    EXPECT_EQ(tally.false_accepts, "");
    EXPECT_GE(tally.accepted * 100, tally.linux_accepts * 93) << tally.missed_accepts;
    EXPECT_EQ(wrong, "");
    EXPECT_GT(compared, 250);
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
