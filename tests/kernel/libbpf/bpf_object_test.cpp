// SPDX-License-Identifier: GPL-2.0-only
// The real libbpf on our bpf(2): objects that clang compiled, opened, relocated, loaded, attached
// and read.
#include "kernel/libbpf/bpf_object.hpp"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "bpf/maps/ringbuf.hpp"
#include "kernel/libbpf/type_printer.hpp"
#include "tests/kernel/api/fake_guest.hpp"
#include "tests/kernel/api/sample_btf.hpp"

namespace trapgate::kernel {
namespace {

std::string object_path(const std::string& name) {
    return std::string(TRAPGATE_SHARE_DIR) + "/test_" + name + ".bpf.o";
}

class BpfObjectTest : public ::testing::Test {
protected:
    std::unique_ptr<BpfObject> open(const std::string& name) {
        auto opened = BpfObject::open(guest.kernel, object_path(name));
        EXPECT_TRUE(opened.has_value()) << opened.error().message();
        return opened ? std::move(*opened) : nullptr;
    }
    std::unique_ptr<BpfObject> load(const std::string& name) {
        auto object = open(name);
        if (object != nullptr) {
            const auto loaded = object->load();
            EXPECT_TRUE(loaded.has_value()) << loaded.error().message() << "\n" << object->log();
        }
        return object;
    }
    static std::string temporary_file(const std::string& content) {
        const std::string path = ::testing::TempDir() + "/trapgate_object_test.bpf.o";
        EXPECT_TRUE(write_file(path, content).has_value());
        return path;
    }
    FakeGuest guest{moved_open_how_btf()};
};

TEST_F(BpfObjectTest, LoadsMapsProgramsAndGlobalData) {
    const auto object = load("counter");
    ASSERT_NE(object, nullptr);
    std::vector<std::string> names;
    for (const auto& map : object->maps()) {
        names.push_back(map.name);
        EXPECT_NE(map.object, nullptr) << map.name;
    }
    EXPECT_THAT(names, ::testing::UnorderedElementsAre("last", "events", "test_cou.rodata",
                                                       "test_cou.data", "test_cou.bss"));
    const auto programs = object->programs();
    ASSERT_EQ(programs.size(), 1U);
    EXPECT_EQ(programs[0].name, "count_open");
    EXPECT_EQ(programs[0].section, "kprobe/do_sys_openat2");
    ASSERT_NE(programs[0].object, nullptr);
    EXPECT_EQ(guest.probes.placed, 1);

    const auto rodata = object->map("test_cou.rodata");
    EXPECT_TRUE(rodata->frozen);
    const std::uint32_t key = 0;
    std::uint64_t wanted = 0;
    ASSERT_EQ(rodata->map->lookup(std::as_bytes(std::span(&key, 1)),
                                  std::as_writable_bytes(std::span(&wanted, 1))),
              0);
    EXPECT_EQ(wanted, 3U);
}

TEST_F(BpfObjectTest, TypesOfKeysAndValuesComeAlong) {
    const auto object = load("counter");
    ASSERT_NE(object, nullptr);
    const auto map = object->map("last");
    ASSERT_NE(map->btf, nullptr);
    const auto printer = TypePrinter::create(map->btf->bytes);
    ASSERT_TRUE(printer.has_value());
    const std::array<std::uint64_t, 2> value{7, 0x1a4};
    EXPECT_EQ(printer->print(map->btf_value_type, std::as_bytes(std::span(value))),
              "(struct open_event){.seq = (__u64)7,.mode = (__u64)420,}");
    EXPECT_EQ(printer->name(map->btf_value_type), "struct open_event");
    EXPECT_EQ(printer->record_type(16), printer->find("open_event"));
    EXPECT_EQ(printer->print(9999, std::as_bytes(std::span(value)).first(2)), "07 00");
}

TEST_F(BpfObjectTest, FieldOffsetsComeFromTheGuestsTypes) {
    const auto object = load("counter");
    ASSERT_NE(object, nullptr);
    // clang put mode at 8; the guest has it at 24: the address for bpf_probe_read_kernel is how
    // + 24.
    std::vector<std::int32_t> added;
    for (const bpf::Insn& insn : object->programs()[0].object->verified.insns) {
        if (insn.opcode == (BPF_ALU64 | BPF_ADD | BPF_K) && insn.imm > 0) {
            added.push_back(insn.imm);
        } else if (insn.opcode == (BPF_ALU64 | BPF_MOV | BPF_K) && insn.imm == 24) {
            added.push_back(insn.imm);
        }
    }
    EXPECT_NE(std::find(added.begin(), added.end(), 24), added.end());
    EXPECT_EQ(std::find(added.begin(), added.end(), 8), added.end());
}

TEST_F(BpfObjectTest, AttachesBySectionNameAndDetaches) {
    const auto object = load("counter");
    ASSERT_NE(object, nullptr);
    const auto attached = object->attach();
    ASSERT_TRUE(attached.has_value()) << attached.error().message();
    ASSERT_EQ(guest.probes.armed.size(), 1U);
    EXPECT_EQ(guest.probes.armed[0]->target.symbol, "do_sys_openat2");
    ASSERT_EQ(object->attachments().size(), 1U);
    ASSERT_NE(object->attachments()[0].event, nullptr);
    EXPECT_TRUE(object->attachments()[0].event->enabled);
    EXPECT_EQ(object->attachments()[0].event->program, object->programs()[0].object);
    object->detach();
    EXPECT_EQ(guest.probes.armed.size(), 0U);
}

TEST_F(BpfObjectTest, NothingIsLeftWhenItGoes) {
    {
        auto object = load("counter");
        ASSERT_NE(object, nullptr);
        ASSERT_TRUE(object->attach().has_value());
        ASSERT_TRUE(
            object->read_rings([](const std::string&, std::span<const std::byte>) {}).has_value());
    }
    EXPECT_EQ(guest.kernel.maps().size(), 0U);
    EXPECT_EQ(guest.kernel.programs().size(), 0U);
    EXPECT_EQ(guest.kernel.links().size(), 0U);
    EXPECT_EQ(guest.kernel.handles().size(), 0U);
    EXPECT_EQ(guest.probes.armed.size(), 0U);
}

TEST_F(BpfObjectTest, RingRecordsArriveOnceAndInOrder) {
    const auto object = load("counter");
    ASSERT_NE(object, nullptr);
    std::vector<std::uint64_t> seen;
    ASSERT_TRUE(object
                    ->read_rings([&](const std::string& map, std::span<const std::byte> record) {
                        EXPECT_EQ(map, "events");
                        std::uint64_t value = 0;
                        ASSERT_EQ(record.size(), sizeof(value));
                        std::memcpy(&value, record.data(), sizeof(value));
                        seen.push_back(value);
                    })
                    .has_value());
    auto* ring = dynamic_cast<bpf::RingbufMap*>(object->map("events")->map.get());
    ASSERT_NE(ring, nullptr);
    EXPECT_EQ(object->poll(0).value(), 0);
    std::uint64_t next = 0;
    for (int round = 0; round < 100; ++round) {  // Many times round the ring.
        for (int i = 0; i < 100; ++i) {
            bool wake = false;
            ASSERT_EQ(ring->output(std::as_bytes(std::span(&next, 1)), 0, &wake), 0);
            ++next;
        }
        EXPECT_EQ(object->poll(0).value(), 100);
        EXPECT_EQ(object->poll(0).value(), 0) << "not readable when all is read";
    }
    ASSERT_EQ(seen.size(), 10000U);
    for (std::uint64_t i = 0; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i], i);
    }
}

TEST_F(BpfObjectTest, ADescriptorBecomesReadableOnAWakeUp) {
    const auto object = load("counter");
    ASSERT_NE(object, nullptr);
    int records = 0;
    ASSERT_TRUE(
        object->read_rings([&](const std::string&, std::span<const std::byte>) { ++records; })
            .has_value());
    auto* ring = dynamic_cast<bpf::RingbufMap*>(object->map("events")->map.get());
    bool wake = false;
    const std::uint64_t value = 1;
    ASSERT_EQ(ring->output(std::as_bytes(std::span(&value, 1)), 0, &wake), 0);
    EXPECT_TRUE(wake);
    guest.kernel.sync_readiness();
    EXPECT_EQ(object->poll(10'000).value(), 1) << "at once, not after ten seconds";
    EXPECT_EQ(records, 1);
}

TEST_F(BpfObjectTest, AMissingFieldIsNamed) {
    const auto object = open("missing_field");
    ASSERT_NE(object, nullptr);
    const auto loaded = object->load();
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(
        loaded.error().what.find("the guest kernel has no struct open_how.no_such_member (CO-RE)"),
        std::string::npos)
        << loaded.error().message() << "\n"
        << object->log();
    EXPECT_NE(loaded.error().where.find("program read_missing"), std::string::npos);
}

TEST_F(BpfObjectTest, ARefusedProgramShowsTheVerifiersReason) {
    const auto object = open("unsafe");
    ASSERT_NE(object, nullptr);
    const auto loaded = object->load();
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().linux_errno, EACCES);
    EXPECT_NE(loaded.error().what.find("invalid mem access 'map_value_or_null'"), std::string::npos)
        << loaded.error().message();
    EXPECT_NE(object->log().find("BEGIN PROG LOAD LOG"), std::string::npos);
}

TEST_F(BpfObjectTest, AnUnknownFunctionGetsTheNearestName) {
    const auto object = load("misplaced");
    ASSERT_NE(object, nullptr);
    const auto attached = object->attach();
    ASSERT_FALSE(attached.has_value());
    EXPECT_EQ(attached.error().linux_errno, ENOENT);
    EXPECT_EQ(attached.error().hint, "did you mean do_sys_openat2?") << attached.error().message();
    EXPECT_EQ(guest.probes.armed.size(), 0U);
}

TEST_F(BpfObjectTest, FilesThatAreNoObjectsAreToldApart) {
    const auto error_of = [&](const std::string& path) {
        const auto opened = BpfObject::open(guest.kernel, path);
        return opened ? std::string("opened") : opened.error().what;
    };
    EXPECT_EQ(BpfObject::open(guest.kernel, "/nonexistent/x.bpf.o").error().linux_errno, ENOENT);
    EXPECT_EQ(error_of(temporary_file("int main(void);")), "not an ELF file");
    EXPECT_EQ(error_of(temporary_file("\x7f"
                                      "ELF")),
              "an ELF file that ends inside its header");
    EXPECT_EQ(error_of("/proc/self/exe"), "an ELF file for x86-64, not for eBPF");

    auto bytes = read_file(object_path("counter"));
    ASSERT_TRUE(bytes.has_value());
    const std::string whole(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    EXPECT_NE(error_of(temporary_file(whole.substr(0, whole.size() / 2))), "opened")
        << "cut off in the middle";
}

TEST_F(BpfObjectTest, TwoKernelsInOneProcessDoNotMix) {
    FakeGuest other(moved_open_how_btf());
    const auto here = load("counter");
    auto there = BpfObject::open(other.kernel, object_path("counter"));
    ASSERT_TRUE(there.has_value());
    ASSERT_TRUE((*there)->load().has_value());
    ASSERT_TRUE((*there)->attach().has_value());
    EXPECT_EQ(guest.probes.armed.size(), 0U);
    EXPECT_EQ(other.probes.armed.size(), 1U);
    EXPECT_EQ(guest.kernel.maps().size(), 5U);
    EXPECT_EQ(other.kernel.maps().size(), 5U);
}

}  // namespace
}  // namespace trapgate::kernel
