// SPDX-License-Identifier: GPL-2.0-only
// perf_event_open(2), its ioctls and perf links: from the event's descriptor to the program that
// runs at the probe.
#include <array>
#include <cstring>
#include <vector>

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/kernel/api/fake_guest.hpp"

namespace trapgate::kernel {
namespace {

using bpf::Insn;
using Attr = union bpf_attr;

std::uint64_t address(const void* at) { return reinterpret_cast<std::uint64_t>(at); }

class PerfEventTest : public ::testing::Test {
protected:
    long open(perf_event_attr attr, int pid = -1, int cpu = 0, int group = -1,
              unsigned long flags = 0) {
        return guest.kernel.perf_event_open(guest.kernel.own_process(), address(&attr), pid, cpu,
                                            group, flags);
    }
    static perf_event_attr kprobe(const char* symbol) {
        perf_event_attr attr{};
        attr.type = kKprobePmuType;
        attr.size = sizeof(attr);
        attr.kprobe_func = address(symbol);
        return attr;
    }
    long load(std::uint32_t type = BPF_PROG_TYPE_KPROBE) {
        static const std::vector<Insn> kInsns = {{.opcode = BPF_ALU64 | BPF_MOV | BPF_K},
                                                 {.opcode = BPF_JMP | BPF_EXIT}};
        Attr attr = program_attr(type, kInsns);
        return guest.kernel.bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
    }
    long link(long program, long event) {
        Attr attr;
        std::memset(&attr, 0, sizeof(attr));
        attr.link_create.prog_fd = static_cast<std::uint32_t>(program);
        attr.link_create.target_fd = static_cast<std::uint32_t>(event);
        attr.link_create.attach_type = BPF_PERF_EVENT;
        return guest.kernel.bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
    }
    long ioctl(long fd, unsigned long request, std::uint64_t argument = 0) {
        return guest.kernel.ioctl(guest.kernel.own_process(), static_cast<int>(fd), request,
                                  argument);
    }
    void close(long fd) {
        ::close(static_cast<int>(fd));
        guest.kernel.reap();
    }
    FakeGuest guest;
};

TEST_F(PerfEventTest, AnEventArmsAProbeUntilItsDescriptorCloses) {
    const long fd = open(kprobe("do_sys_openat2"));
    ASSERT_GE(fd, 0);
    ASSERT_EQ(guest.probes.armed.size(), 1U);
    EXPECT_EQ(guest.probes.armed[0]->target.symbol, "do_sys_openat2");
    close(fd);
    EXPECT_EQ(guest.probes.armed.size(), 0U);
}

TEST_F(PerfEventTest, AnUnknownFunctionIsENOENTWithAHint) {
    EXPECT_EQ(open(kprobe("do_sys_opanat2")), -ENOENT);
    EXPECT_EQ(guest.kernel.last_error().hint, "did you mean do_sys_openat2?");
}

TEST_F(PerfEventTest, TheFlowOf2015RunsAndCounts) {
    const long fd = open(kprobe("do_sys_openat2"));
    const long program = load();
    ASSERT_EQ(ioctl(fd, PERF_EVENT_IOC_SET_BPF, static_cast<std::uint64_t>(program)), 0);
    EXPECT_EQ(ioctl(fd, PERF_EVENT_IOC_SET_BPF, static_cast<std::uint64_t>(program)), -EEXIST);
    close(program);
    const auto client = guest.probes.armed.at(0)->client.lock();
    ASSERT_NE(client->program_at_hit(), nullptr) << "the event keeps its program";
    auto* event = dynamic_cast<PerfEventObject*>(client.get());
    client->program_ran(0);
    client->program_ran(1);
    EXPECT_EQ(event->count, 1U);
    EXPECT_EQ(event->dropped, 1U);
    ASSERT_EQ(ioctl(fd, PERF_EVENT_IOC_DISABLE), 0);
    client->program_ran(1);
    EXPECT_EQ(event->count, 1U) << "a disabled event counts nothing";
    EXPECT_NE(client->program_at_hit(), nullptr) << "but its program still runs, as on Linux";
}

TEST_F(PerfEventTest, ALinkHoldsProgramAndEvent) {
    const long fd = open(kprobe("do_sys_openat2"));
    const long program = load();
    const long made = link(program, fd);
    ASSERT_GE(made, 0);
    close(fd);
    close(program);
    EXPECT_EQ(guest.probes.armed.size(), 1U);
    EXPECT_EQ(guest.kernel.links().size(), 1U);
    Attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.link_detach.link_fd = static_cast<std::uint32_t>(made);
    EXPECT_EQ(guest.kernel.bpf(BPF_LINK_DETACH, &attr, sizeof(attr)), -EOPNOTSUPP);
    close(made);
    EXPECT_EQ(guest.probes.armed.size(), 0U);
    EXPECT_EQ(guest.probes.placed, 0);
}

TEST_F(PerfEventTest, AClosedLinkFreesTheEventForAnother) {
    const long fd = open(kprobe("do_sys_openat2"));
    const long program = load();
    const long first = link(program, fd);
    EXPECT_EQ(link(program, fd), -EEXIST);
    close(first);
    EXPECT_GE(link(program, fd), 0);
}

TEST_F(PerfEventTest, LinksToTheWrongThingsAreRefusedAsOnLinux) {
    const long program = load();
    const long fd = open(kprobe("do_sys_openat2"));
    EXPECT_EQ(link(program, -1), -EBADF);
    EXPECT_EQ(link(program, program), -EBADF);
    EXPECT_EQ(link(-1, fd), -EBADF);
    EXPECT_EQ(link(fd, fd), -EINVAL);
}

TEST_F(PerfEventTest, TheAttributesAreJudgedAsOnLinux) {
    // Software events exist in both; only the rules before the PMU are compared.
    const auto linux_open = [](perf_event_attr attr, int pid, int cpu, int group,
                               unsigned long flags) {
        const long result = ::syscall(SYS_perf_event_open, &attr, pid, cpu, group, flags);
        const long answer = result < 0 ? -errno : 0;
        if (result >= 0) {
            ::close(static_cast<int>(result));
        }
        return answer;
    };
    perf_event_attr plain{};
    plain.type = 9999;
    plain.size = sizeof(plain);
    if (linux_open(plain, -1, 0, -1, 0) != -ENOENT) {
        GTEST_SKIP() << "the Linux that runs this does not answer perf_event_open(2)";
    }
    const auto same = [&](const char* what, perf_event_attr attr, int pid = -1, int cpu = 0,
                          int group = -1, unsigned long flags = 0) {
        EXPECT_EQ(open(attr, pid, cpu, group, flags), linux_open(attr, pid, cpu, group, flags))
            << what;
    };
    const auto changed = [&](auto change) {
        perf_event_attr attr = plain;
        change(attr);
        return attr;
    };
    same("no such type", plain);
    same("flags", plain, -1, 0, -1, 1UL << 40);
    same("no cpu", plain, -1, -1);
    same("a wrong cpu", plain, -1, 9999);
    same("a wrong group", plain, -1, 0, 9999);
    same("size 0", changed([](auto& a) { a.size = 0; }));
    same("size 63", changed([](auto& a) { a.size = 63; }));
    same("size 5000", changed([](auto& a) { a.size = 5000; }));
    same("reserved bit", changed([](auto& a) { a.__reserved_1 = 1; }));
    same("reserved word", changed([](auto& a) { a.__reserved_2 = 1; }));
    same("read format", changed([](auto& a) { a.read_format = 1U << 20; }));
    same("sample type", changed([](auto& a) { a.sample_type = 1ULL << 40; }));
    same("period", changed([](auto& a) { a.sample_period = 1ULL << 63; }));
    EXPECT_EQ(guest.kernel.perf_event_open(guest.kernel.own_process(), 8, -1, 0, -1, 0), -EFAULT);
}

TEST_F(PerfEventTest, AWrongSizeIsAnsweredWithTheRightOne) {
    perf_event_attr attr{};
    attr.size = 8;
    EXPECT_EQ(
        guest.kernel.perf_event_open(guest.kernel.own_process(), address(&attr), -1, 0, -1, 0),
        -E2BIG);
    EXPECT_EQ(attr.size, sizeof(attr));
}

TEST_F(PerfEventTest, IoctlsOnOtherThingsAreRefused) {
    EXPECT_EQ(ioctl(9999, PERF_EVENT_IOC_ENABLE), -EBADF);
    EXPECT_EQ(ioctl(load(), PERF_EVENT_IOC_ENABLE), -ENOTTY);
    const long fd = open(kprobe("do_sys_openat2"));
    EXPECT_EQ(ioctl(fd, 0x1234), -ENOTTY);
    EXPECT_EQ(ioctl(fd, PERF_EVENT_IOC_SET_BPF, static_cast<std::uint64_t>(fd)), -EINVAL);
    std::uint64_t id = 0;
    EXPECT_EQ(ioctl(fd, PERF_EVENT_IOC_ID, address(&id)), 0);
    EXPECT_EQ(id, 1U);
}

}  // namespace
}  // namespace trapgate::kernel
