// SPDX-License-Identifier: GPL-2.0-only
// Probes that cost nothing: a kernel with a probe on each of its instructions ends exactly as the
// unprobed one, in console, counts, registers and memory.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "cpu/page_walk.hpp"
#include "kernel/probes/kprobes.hpp"
#include "tests/kernel/probes/minikernel_guest.hpp"

namespace trapgate::kernel {
namespace {

struct Kind {
    const char* name;
    bool post_handler;
    unsigned cpus;
};

class FreeProbes : public MinikernelProbe, public ::testing::WithParamInterface<Kind> {
protected:
    static std::unique_ptr<Guest> guest(unsigned cpus) {
        auto made = boot("console=ttyS0", cpus, emu::ProbeCost::Free);
        EXPECT_TRUE(made->machine->map_window());
        return made;
    }

    /// The entry of a page table that the host wrote for its window.
    static bool is_window_entry(std::uint64_t value) {
        const GuestPa table{value & cpu::pte::kAddressMask};
        return table >= emu::kWindowTablesPa &&
               table - emu::kWindowTablesPa < emu::kWindowTablesBytes;
    }

    /// Words of RAM that differ, but for the window's page-table entries: a walk marks them as
    /// accessed.
    static std::vector<std::string> differences(emu::Machine& a, emu::Machine& b) {
        std::vector<std::string> out;
        const auto regions = a.memory().regions();
        for (std::size_t i = 0; i < regions.size(); ++i) {
            const auto left = regions[i].storage.bytes();
            const auto right = b.memory().regions()[i].storage.bytes();
            if (!regions[i].in_e820) {
                continue;
            }
            for (std::size_t at = 0; at < left.size(); at += 8) {
                std::array<std::uint64_t, 2> words{};
                std::memcpy(&words[0], left.data() + at, 8);
                std::memcpy(&words[1], right.data() + at, 8);
                const bool differ = words[0] != words[1] &&
                                    !(is_window_entry(words[0]) && is_window_entry(words[1]));
                if (differ && out.size() < 10) {
                    out.push_back(fmt::format("{:#x}: {:#x} {:#x}", regions[i].base.value + at,
                                              words[0], words[1]));
                }
            }
        }
        return out;
    }
};

TEST_P(FreeProbes, TheWholeTextProbedEndsAsUnprobed) {
    const auto plain = guest(GetParam().cpus);
    const emu::StopEvent expected = plain->run();
    ASSERT_EQ(expected.reason, emu::StopReason::GuestExit) << plain->console;

    const auto probed = guest(GetParam().cpus);
    emu::Machine& machine = *probed->machine;
    std::uint64_t hits = 0;
    std::vector<cpu::RegisterFile> registers;
    {
        Kprobes kprobes(machine);
        std::vector<KprobeHandle> probes;
        for (const emu::Symbol& symbol : machine.symbols().all()) {
            if (std::string_view("tT").find(symbol.type) == std::string_view::npos) {
                continue;
            }
            for (std::uint64_t offset = 0; offset < symbol.size;) {
                const GuestVa at = symbol.address + offset;
                const auto insn = cpu::decode(read_insn_bytes(machine, at));
                offset += insn ? insn->length : symbol.size;
                KprobeSpec spec{.address = at};
                if (GetParam().post_handler) {
                    spec.post_handler = [](Kprobe&, ProbeRegs&) {};
                }
                if (auto probe = kprobes.register_kprobe(std::move(spec))) {
                    probes.push_back(std::move(*probe));
                }
            }
        }
        EXPECT_GT(probes.size(), 4000U);
        EXPECT_EQ(probed->run(), expected);
        for (const KprobeHandle& probe : probes) {
            hits += probe->hits();
            EXPECT_EQ(probe->nmissed(), 0U) << probe->where();
        }
        for (unsigned i = 0; i < machine.cpu_count(); ++i) {
            // A CPU that sleeps does so behind a HLT in its slot.
            registers.push_back(machine.cpu(i).registers());
            registers.back().rip = kprobes.original_rip(GuestVa{registers.back().rip}).value;
        }
    }
    RecordProperty("hits", static_cast<int>(hits));
    EXPECT_GT(hits, plain->machine->counters().instructions / 2);
    EXPECT_EQ(probed->console, plain->console);
    EXPECT_EQ(machine.counters(), plain->machine->counters())
        << machine.counters().instructions << " instructions, unprobed "
        << plain->machine->counters().instructions;
    for (unsigned i = 0; i < machine.cpu_count(); ++i) {
        EXPECT_EQ(registers[i], plain->machine->cpu(i).registers()) << i;
    }
    EXPECT_EQ(differences(machine, *plain->machine), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Kinds, FreeProbes,
                         ::testing::Values(Kind{"Plain", false, 1},
                                           Kind{"WithPostHandler", true, 1},
                                           Kind{"OnTwoCpus", false, 2}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace trapgate::kernel
