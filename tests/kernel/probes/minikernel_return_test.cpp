// SPDX-License-Identifier: GPL-2.0-only
// Return probes in a kernel with tasks that switch, wait and die.
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "kernel/probes/kprobes.hpp"
#include "tests/kernel/probes/minikernel_guest.hpp"

namespace trapgate::kernel {
namespace {

class MinikernelReturns : public MinikernelProbe {
protected:
    static std::unique_ptr<Guest> unprobed(unsigned cpus = 1) {
        auto guest = boot("console=ttyS0", cpus);
        EXPECT_EQ(guest->run().reason, emu::StopReason::GuestExit) << guest->console;
        return guest;
    }
};

TEST_F(MinikernelReturns, EveryFunctionMayBeCaughtAtItsReturn) {
    for (const unsigned cpus : {1U, 2U}) {
        const auto plain = unprobed(cpus);
        const auto guest = boot("console=ttyS0", cpus);
        Kprobes kprobes(*guest->machine);
        std::vector<KretprobeHandle> probes;
        std::map<int, int> refused;
        for (const emu::Symbol& symbol : guest->machine->symbols().all()) {
            if (std::string_view("tT").find(symbol.type) != std::string_view::npos) {
                auto made = kprobes.register_kretprobe(
                    {.address = symbol.address, .maxactive = 64});
                if (made) {
                    probes.push_back(std::move(*made));
                } else {
                    ++refused[made.error().linux_errno];
                }
            }
        }
        EXPECT_GT(probes.size(), 400U);
        EXPECT_EQ(refused[ENOMEM] + refused[EBUSY], 0) << ::testing::PrintToString(refused);
        EXPECT_EQ(guest->run().reason, emu::StopReason::GuestExit) << guest->console;
        EXPECT_EQ(timeless_lines(guest->console), timeless_lines(plain->console));
        std::uint64_t hits = 0;
        for (const KretprobeHandle& probe : probes) {
            hits += probe->hits();
            // A CPU starts without a stack: nothing there says where to return to.
            const bool no_stack = probe->where().starts_with("secondary_startup_64");
            EXPECT_EQ(probe->nmissed(), no_stack ? cpus - 1 : 0U) << probe->where();
            EXPECT_GE(probe->entry().hits(), probe->hits()) << probe->where();
        }
        EXPECT_GT(hits, 10'000U);
        RecordProperty("returns", static_cast<int>(hits));
    }
}

TEST_F(MinikernelReturns, SeesWhatEachOpenReturns) {
    const auto guest = boot();
    Kprobes kprobes(*guest->machine);
    std::map<std::int64_t, int> results;
    const auto opens = kprobes.register_kretprobe(
        {.symbol = "do_sys_openat2", .handler = [&](KretprobeInstance&, ProbeRegs& regs) {
             ++results[static_cast<std::int64_t>(regs.return_value())];
         }});
    ASSERT_TRUE(opens.has_value()) << opens.error().message();
    EXPECT_EQ(guest->run().reason, emu::StopReason::GuestExit);
    EXPECT_EQ(results[-ENOENT], 1) << ::testing::PrintToString(results);
    EXPECT_EQ(results[-EFAULT], 1);
    EXPECT_EQ((*opens)->entry().hits(), (*opens)->hits());
}

TEST_F(MinikernelReturns, TasksThatDieGiveTheirInstancesBack) {
    // Nobody returns from do_exit, nor from the last schedule of a task.
    const auto guest = boot("console=ttyS0 tasks=24");
    Kprobes kprobes(*guest->machine);
    const auto exits = kprobes.register_kretprobe({.symbol = "do_exit", .maxactive = 30});
    const auto few = kprobes.register_kretprobe({.symbol = "do_exit", .maxactive = 2});
    ASSERT_TRUE(exits && few);
    EXPECT_EQ(guest->run().reason, emu::StopReason::GuestExit) << guest->console;
    EXPECT_GE((*exits)->entry().hits(), 24U);
    EXPECT_EQ((*exits)->hits() + (*few)->hits(), 0U);
    EXPECT_EQ((*exits)->nmissed(), 0U);
    EXPECT_EQ((*few)->nmissed(), 0U);
    EXPECT_LE((*few)->active(), 2U);
}

TEST_F(MinikernelReturns, FollowsATaskThatSleepsInsideTheFunction) {
    const auto guest = boot();
    Kprobes kprobes(*guest->machine);
    const auto schedules = kprobes.register_kretprobe({.symbol = "schedule"});
    ASSERT_TRUE(schedules.has_value()) << schedules.error().message();
    EXPECT_EQ(guest->run().reason, emu::StopReason::GuestExit) << guest->console;
    EXPECT_GT((*schedules)->hits(), 10U);
    EXPECT_EQ((*schedules)->nmissed(), 0U);
    EXPECT_EQ(kprobes.register_kretprobe({.symbol = "__switch_to"}).error().linux_errno,
              guest->machine->symbols().find("__switch_to") ? EINVAL : ENOENT);
}

}  // namespace
}  // namespace trapgate::kernel
