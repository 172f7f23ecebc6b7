// SPDX-License-Identifier: GPL-2.0-only
// The minikernel's tracepoints as a tracer outside of it sees them: tables in the image, and what
// comes by once they are switched on.
#include <cstring>
#include <memory>
#include <set>

#include <bpf/btf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/roms/booted.hpp"
#include "tests/roms/elf_file.hpp"
#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

using testing::Contains;
using testing::HasSubstr;

struct Field {
    std::string type, name;
    std::uint16_t offset = 0, size = 0;
    bool is_signed = false;
};

struct Event {
    std::uint16_t id = 0;
    std::uint32_t size = 0;
    GuestVa tracepoint;
    std::vector<Field> fields;

    [[nodiscard]] std::string format() const {
        std::string text;
        for (const Field& f : fields) {
            text += fmt::format("{} {} {}+{} {}\n", f.type, f.name, f.offset, f.size,
                                f.is_signed ? "signed" : "unsigned");
        }
        return text;
    }
};

/// A kernel whose tables can be read.
class Traced : public Booted {
public:
    explicit Traced(const std::string& command_line = "", std::vector<std::byte> archive = {})
        : Booted(command_line, 256ULL << 20, 1, std::move(archive)) {
        count_calls({});
        const GuestVa end = address("__stop_ftrace_events");
        std::uint16_t id = 1;
        for (GuestVa at = address("__start_ftrace_events"); at < end; at = at + 48) {
            add(at, id++);
        }
    }

    [[nodiscard]] GuestVa address(const std::string& symbol) const {
        return machine->symbols().find(symbol)->address;
    }
    template <class T>
    [[nodiscard]] T value(GuestVa at) const {
        return emu::read_value<T>(*machine, at).value();
    }
    [[nodiscard]] GuestVa pointer(GuestVa at) const { return {value<std::uint64_t>(at)}; }
    [[nodiscard]] std::string text(GuestVa at) const {
        std::string result;
        while (const char c = value<char>(at + result.size())) {
            result += c;
        }
        return result;
    }

    /// Switches tracepoints on, and keeps what comes by.
    void trace(const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            set_int(events.at(name).tracepoint + 8, 1);
        }
        if (!tracing_) {
            tracing_ = true;
            ASSERT_TRUE(machine->plant(address("trace_event_commit"), [this](emu::Machine& m) {
                emu::Cpu& cpu = m.cpu();
                std::vector<std::byte> record(cpu.gpr(cpu::Gpr::Rsi));
                ASSERT_TRUE(m.read(GuestVa{cpu.gpr(cpu::Gpr::Rdi)}, record));
                records.push_back(std::move(record));
                // What the planted byte stands for: RET.
                const std::uint64_t rsp = cpu.gpr(cpu::Gpr::Rsp);
                cpu.set_rip(pointer(GuestVa{rsp}));
                cpu.set_gpr(cpu::Gpr::Rsp, rsp + 8);
            }));
        }
    }
    void set_int(GuestVa at, std::int32_t n) const {
        std::array<std::byte, 4> bytes;
        std::memcpy(bytes.data(), &n, bytes.size());
        ASSERT_TRUE(machine->write(at, bytes));
    }

    /// Records of one event, as text: "comm=init pid=1 ...".
    [[nodiscard]] std::vector<std::string> told(const std::string& name) const {
        const Event& event = events.at(name);
        std::vector<std::string> result;
        for (const std::vector<std::byte>& record : records) {
            if (part<std::uint16_t>(record, 0) == event.id) {
                result.push_back(show(event, record));
            }
        }
        return result;
    }

    template <class T>
    static T part(const std::vector<std::byte>& record, std::size_t offset) {
        T result{};
        EXPECT_LE(offset + sizeof(T), record.size());
        std::memcpy(&result, &record.at(offset), sizeof(T));
        return result;
    }

    std::map<std::string, Event> events;  // by "system:name"
    std::vector<std::vector<std::byte>> records;

private:
    void add(GuestVa at, std::uint16_t id) {
        const std::string name = text(pointer(at)) + ":" + text(pointer(at + 8));
        Event& event = events[name];
        event.id = id;
        event.tracepoint = pointer(at + 16);
        event.size = value<std::uint32_t>(at + 44);
        EXPECT_EQ(text(pointer(event.tracepoint)), text(pointer(at + 8)));
        EXPECT_EQ(pointer(event.tracepoint + 16), address("__traceiter_" + text(pointer(at + 8))));
        EXPECT_THAT(text(pointer(at + 32)), testing::StartsWith("\""));
        const GuestVa fields = pointer(at + 24);
        for (unsigned i = 0; i < value<std::uint32_t>(at + 40); ++i) {
            const GuestVa field = fields + i * 24;
            event.fields.push_back(
                {text(pointer(field)), text(pointer(field + 8)), value<std::uint16_t>(field + 16),
                 value<std::uint16_t>(field + 18), value<std::uint32_t>(field + 20) != 0});
        }
    }

    static std::string show(const Event& event, const std::vector<std::byte>& record) {
        std::string result;
        for (const Field& f : event.fields) {
            const char* bytes = reinterpret_cast<const char*>(record.data());
            std::string shown;
            if (f.type.starts_with("__data_loc")) {
                const auto place = part<std::uint32_t>(record, f.offset);
                shown = std::string(bytes + (place & 0xffff), (place >> 16) - 1);
            } else if (f.type.starts_with("char[")) {
                shown = std::string(bytes + f.offset);
            } else if (f.size == 4) {
                shown = std::to_string(part<std::int32_t>(record, f.offset));
            } else {
                shown = std::to_string(part<std::int64_t>(record, f.offset));
            }
            result += (result.empty() ? "" : " ") + f.name + "=" + shown;
        }
        return result;
    }

    bool tracing_ = false;
};

TEST(MinikernelTracepoints, HaveLinuxsFormats) {
    const Traced guest;
    const std::map<std::string, std::string> linux_formats{
        {"sched:sched_switch",
         "char[16] prev_comm 8+16 signed\npid_t prev_pid 24+4 signed\nint prev_prio 28+4 signed\n"
         "long prev_state 32+8 signed\nchar[16] next_comm 40+16 signed\n"
         "pid_t next_pid 56+4 signed\nint next_prio 60+4 signed\n"},
        {"sched:sched_wakeup",
         "char[16] comm 8+16 signed\npid_t pid 24+4 signed\nint prio 28+4 signed\n"
         "int target_cpu 32+4 signed\n"},
        {"sched:sched_process_fork",
         "char[16] parent_comm 8+16 signed\npid_t parent_pid 24+4 signed\n"
         "char[16] child_comm 28+16 signed\npid_t child_pid 44+4 signed\n"},
        {"sched:sched_process_exec",
         "__data_loc char[] filename 8+4 signed\npid_t pid 12+4 signed\n"
         "pid_t old_pid 16+4 signed\n"},
        {"sched:sched_process_exit",
         "char[16] comm 8+16 signed\npid_t pid 24+4 signed\nint prio 28+4 signed\n"},
        {"raw_syscalls:sys_enter", "long id 8+8 signed\nunsigned long[6] args 16+48 unsigned\n"},
        {"raw_syscalls:sys_exit", "long id 8+8 signed\nlong ret 16+8 signed\n"},
        {"irq:irq_handler_entry", "int irq 8+4 signed\n__data_loc char[] name 12+4 signed\n"},
        {"irq:irq_handler_exit", "int irq 8+4 signed\nint ret 12+4 signed\n"},
        {"exceptions:page_fault_user",
         "unsigned long address 8+8 unsigned\nunsigned long ip 16+8 unsigned\n"
         "unsigned long error_code 24+8 unsigned\n"},
        {"kmem:kmalloc",
         "unsigned long call_site 8+8 unsigned\nconst void * ptr 16+8 unsigned\n"
         "size_t bytes_req 24+8 unsigned\nsize_t bytes_alloc 32+8 unsigned\n"
         "unsigned long gfp_flags 40+8 unsigned\nint node 48+4 signed\n"},
        {"kmem:kfree", "unsigned long call_site 8+8 unsigned\nconst void * ptr 16+8 unsigned\n"},
        {"kmem:mm_page_alloc",
         "unsigned long pfn 8+8 unsigned\nunsigned int order 16+4 unsigned\n"
         "unsigned long gfp_flags 24+8 unsigned\nint migratetype 32+4 signed\n"},
        {"kmem:mm_page_free", "unsigned long pfn 8+8 unsigned\nunsigned int order 16+4 unsigned\n"},
        {"timer:timer_expire_entry",
         "void * timer 8+8 unsigned\nunsigned long now 16+8 unsigned\n"
         "void * function 24+8 unsigned\nunsigned long baseclk 32+8 unsigned\n"},
        {"signal:signal_deliver",
         "int sig 8+4 signed\nint errno 12+4 signed\nint code 16+4 signed\n"
         "unsigned long sa_handler 24+8 unsigned\nunsigned long sa_flags 32+8 unsigned\n"},
    };
    for (const auto& [name, format] : linux_formats) {
        ASSERT_TRUE(guest.events.contains(name)) << name;
        EXPECT_EQ(guest.events.at(name).format(), format) << name;
    }
    std::set<std::uint16_t> ids;
    for (const auto& [name, event] : guest.events) {
        EXPECT_TRUE(ids.insert(event.id).second) << name;
        EXPECT_LT(event.id, 512U) << "where system calls begin";
    }
}

// BPF programs get at a record by these structures.
TEST(MinikernelTracepoints, HaveTheirRecordsInBtf) {
    const Traced guest;
    const std::unique_ptr<::btf, decltype(&btf__free)> btf(
        btf__parse_elf(guest_image("minikernel.elf").c_str(), nullptr), &btf__free);
    ASSERT_NE(btf, nullptr);
    for (const auto& [event_name, type_name] :
         std::map<std::string, std::string>{{"sched:sched_switch", "sched_switch"},
                                            {"sched:sched_wakeup", "sched_wakeup_template"},
                                            {"sched:sched_process_exit", "sched_process_template"},
                                            {"raw_syscalls:sys_enter", "sys_enter"},
                                            {"irq:irq_handler_entry", "irq_handler_entry"},
                                            {"exceptions:page_fault_user", "x86_exceptions"},
                                            {"kmem:kmalloc", "kmalloc"}}) {
        const Event& event = guest.events.at(event_name);
        const int id = btf__find_by_name_kind(btf.get(), ("trace_event_raw_" + type_name).c_str(),
                                              BTF_KIND_STRUCT);
        ASSERT_GT(id, 0) << type_name;
        const btf_type* type = btf__type_by_id(btf.get(), static_cast<std::uint32_t>(id));
        EXPECT_EQ(type->size, event.size);
        ASSERT_EQ(btf_vlen(type), event.fields.size() + 1) << type_name;
        for (std::uint32_t i = 0; i < event.fields.size(); ++i) {
            const Field& field = event.fields[i];
            const std::string prefix = field.type.starts_with("__data_loc") ? "__data_loc_" : "";
            EXPECT_EQ(btf__name_by_offset(btf.get(), btf_members(type)[i + 1].name_off),
                      prefix + field.name);
            EXPECT_EQ(btf_member_bit_offset(type, i + 1) / 8, field.offset) << field.name;
        }
    }
}

TEST(MinikernelTracepoints, TellWhatTasksDo) {
    Traced guest("tasks=1 loops=2");
    guest.trace({"sched:sched_process_fork", "sched:sched_switch", "sched:sched_process_exit",
                 "sched:sched_wakeup", "irq:irq_handler_entry", "timer:timer_expire_entry"});
    EXPECT_EQ(guest.run().status, 0U) << guest.console;
    EXPECT_THAT(
        guest.told("sched:sched_process_fork"),
        testing::ElementsAre("parent_comm=swapper/0 parent_pid=0 child_comm=init child_pid=1",
                             "parent_comm=init parent_pid=1 child_comm=worker/0 child_pid=2"));
    EXPECT_THAT(guest.told("sched:sched_switch"),
                Contains("prev_comm=init prev_pid=1 prev_prio=120 prev_state=1 next_comm=worker/0 "
                         "next_pid=2 next_prio=120"));
    EXPECT_THAT(guest.told("sched:sched_wakeup"),
                Contains("comm=worker/0 pid=2 prio=120 target_cpu=0"));
    EXPECT_THAT(guest.told("sched:sched_process_exit"),
                testing::ElementsAre("comm=worker/0 pid=2 prio=120"));
    EXPECT_THAT(guest.told("irq:irq_handler_entry"), Contains("irq=0 name=timer"));
    EXPECT_EQ(guest.told("timer:timer_expire_entry").size(), 1U);
    for (const std::vector<std::byte>& record : guest.records) {
        EXPECT_GE(record.size(), 8U);
    }
}

TEST(MinikernelTracepoints, KeepAccountOfMemory) {
    Traced guest("tasks=2 loops=3");
    guest.trace({"kmem:kmalloc", "kmem:kfree", "kmem:mm_page_alloc", "kmem:mm_page_free"});
    EXPECT_EQ(guest.run().status, 0U);
    EXPECT_GT(guest.told("kmem:kmalloc").size(), 100U);
    EXPECT_THAT(guest.told("kmem:kmalloc"),
                Contains(HasSubstr(" bytes_req=4096 bytes_alloc=4096 gfp_flags=0 node=-1")));
    EXPECT_GT(guest.told("kmem:mm_page_free").size(), 10U);
}

// What an event of a system call is made from.
TEST(MinikernelTracepoints, DescribeSystemCalls) {
    const Traced guest;
    const auto call = [&](unsigned number) {
        const GuestVa meta = guest.pointer(guest.address("syscalls_metadata") + number * 8);
        std::string text = guest.text(guest.pointer(meta)) + "(";
        for (int i = 0; i < guest.value<std::int32_t>(meta + 8); ++i) {
            text += i == 0 ? "" : ", ";
            text += guest.text(guest.pointer(guest.pointer(meta + 16) + i * 8)) + " " +
                    guest.text(guest.pointer(guest.pointer(meta + 24) + i * 8));
        }
        return text + ")";
    };
    EXPECT_EQ(call(0), "sys_read(unsigned int fd, char * buf, size_t count)");
    EXPECT_EQ(call(39), "sys_getpid()");
    EXPECT_EQ(call(257), "sys_openat(int dfd, const char * filename, int flags, umode_t mode)");
}

TEST(MinikernelTracepoints, TellOfSystemCalls) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    Traced guest("loglevel=3", shell_archive(busybox, "cat /tmp/none; exit 3"));
    guest.trace({"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", "sched:sched_process_exec",
                 "signal:signal_generate", "exceptions:page_fault_user"});
    const GuestVa openat = guest.pointer(guest.address("syscalls_metadata") + 257 * 8);
    guest.set_int(openat + 32, 1);
    guest.set_int(openat + 36, 1);
    EXPECT_EQ(guest.run(2'000'000'000).status, 3U) << guest.console;
    EXPECT_THAT(guest.told("sched:sched_process_exec"),
                Contains("filename=/bin/busybox pid=3 old_pid=3"));
    EXPECT_THAT(guest.told("raw_syscalls:sys_enter"), Contains("id=231 args=3"));  // exit_group
    EXPECT_THAT(guest.told("raw_syscalls:sys_exit"), Contains("id=257 ret=-2"));   // ENOENT
    EXPECT_THAT(guest.told("signal:signal_generate"),
                Contains(HasSubstr("sig=17 errno=0 code=1 comm=init pid=1 group=1")));
    EXPECT_GT(guest.told("exceptions:page_fault_user").size(), 50U);
    // sys_enter_openat and sys_exit_openat.
    std::map<int, std::vector<std::int64_t>> openat_records;
    for (const std::vector<std::byte>& record : guest.records) {
        const auto type = Traced::part<std::uint16_t>(record, 0);
        if (type >= 512) {
            EXPECT_EQ(Traced::part<std::int32_t>(record, 8), 257);
            openat_records[type].push_back(Traced::part<std::int64_t>(record, 16));
        }
    }
    EXPECT_THAT(openat_records[512 + 2 * 257 + 1], Contains(0xffffff9c));  // AT_FDCWD
    EXPECT_THAT(openat_records[512 + 2 * 257], Contains(-2));              // ENOENT
}

// The same from inside, as Linux's tracefs shows it.
TEST(MinikernelTracefs, ShowsEventsAndFormats) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(
        busybox,
        "mkdir -p /t; mount -t tracefs t /t; cd /t\n"
        "ls; ls events; for e in events/*/*; do echo $e; done | wc -l\n"
        "[ $(wc -l < available_events) = $(ls -d events/*/* | wc -l) ] && echo all\n"
        "cat events/raw_syscalls/sys_exit/format | grep -v common_\n"
        "cat events/syscalls/sys_enter_read/id; grep 'field:const' "
        "events/syscalls/sys_enter_openat/format\n"
        "cat events/sched/none/id; cat events/kmem/sched_switch/id; ls events/sched/sched_switch");
    EXPECT_THAT(ran.console,
                testing::ContainsRegex(
                    "^available_events  events\n"
                    "exceptions    irq_vectors   module        sched         syscalls\n"
                    "irq           kmem          raw_syscalls  signal        timer\n"
                    "[0-9]+\nall\n"
                    "name: sys_exit\nID: [0-9]+\nformat:\n\n"
                    "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
                    "\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n\n"
                    "print fmt: \"NR %ld = %ld\", REC->id, REC->ret\n513\n"
                    "\tfield:const char . filename;\toffset:24;\tsize:8;\tsigned:0;\n"
                    "cat: can't open 'events/sched/none/id': No such file or directory\n"
                    "cat: can't open 'events/kmem/sched_switch/id': No such file or directory\n"
                    "format  id\n$"));
}

TEST(MinikernelTracepoints, ChangeNothingWhenTheyAreOff) {
    Booted plain;
    plain.run();
    Traced traced;
    traced.run();
    EXPECT_EQ(traced.console, plain.console);
    EXPECT_EQ(traced.machine->counters(), plain.machine->counters());
}

}  // namespace
}  // namespace trapgate::roms
