// SPDX-License-Identifier: GPL-2.0-only
#include <array>
#include <memory>
#include <string_view>

#include <elf.h>

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "tests/roms/elf_file.hpp"

namespace trapgate::roms {
namespace {

constexpr std::uint64_t kKernelMap = 0xffff'ffff'8000'0000;

class MinikernelImage : public testing::Test {
protected:
    const ElfFile elf = read_elf(guest_image("minikernel.elf"));
};

TEST_F(MinikernelImage, LoadsWhereLinuxDoes) {
    EXPECT_EQ(elf.entry, 0x100'0000U);
    EXPECT_EQ(elf.symbols.find("startup_64")->second.address, kKernelMap + elf.entry);
}

TEST_F(MinikernelImage, HasNoSegmentThatIsWritableAndExecutable) {
    for (const ElfProgramHeader& header : elf.program_headers) {
        EXPECT_NE(header.flags & (PF_W | PF_X), PF_W | PF_X) << std::hex << header.virtual_address;
    }
}

TEST_F(MinikernelImage, KeepsProbeUnsafeCodeInItsSections) {
    for (const char* name : {".entry.text", ".kprobes.text"}) {
        ASSERT_TRUE(elf.sections.contains(name)) << name;
        EXPECT_EQ(elf.sections.at(name).flags & (SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE),
                  SHF_ALLOC | SHF_EXECINSTR);
    }
    EXPECT_EQ(elf.symbols.find("asm_exc_int3")->second.section, ".entry.text");
    EXPECT_EQ(elf.symbols.find("exc_int3")->second.section, ".kprobes.text");
    EXPECT_EQ(elf.symbols.find("do_sys_openat2")->second.section, ".text");
    const ElfSection& kprobes = elf.sections.at(".kprobes.text");
    EXPECT_EQ(elf.symbols.find("__kprobes_text_start")->second.address, kprobes.address);
    EXPECT_EQ(elf.symbols.find("__kprobes_text_end")->second.address,
              kprobes.address + kprobes.bytes);
}

TEST_F(MinikernelImage, DoesNotTellWhereItWasBuilt) {
    const auto bytes = read_file(guest_image("minikernel.elf"));
    ASSERT_TRUE(bytes) << bytes.error().message();
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    EXPECT_EQ(text.find(TRAPGATE_SOURCE_DIR), std::string_view::npos);
    EXPECT_NE(text.find("./roms/minikernel/"), std::string_view::npos);
}

TEST_F(MinikernelImage, HasAnExceptionTableInLinuxsFormat) {
    ASSERT_TRUE(elf.sections.contains("__ex_table"));
    const std::uint64_t bytes = elf.sections.at("__ex_table").bytes;
    EXPECT_GT(bytes, 0U);
    EXPECT_EQ(bytes % 12, 0U);
}

TEST_F(MinikernelImage, GivesEveryFunctionASizeAndOneHome) {
    int functions = 0;
    for (const auto& [name, symbol] : elf.symbols) {
        if (symbol.type != STT_FUNC) {
            continue;
        }
        ++functions;
        EXPECT_GT(symbol.bytes, 0U) << name;
        EXPECT_EQ(name.find('.'), std::string::npos) << name << " is a part or a clone";
    }
    EXPECT_GT(functions, 200);
}

TEST_F(MinikernelImage, HasTheFunctionsThatToolsLookFor) {
    for (const char* name :
         {"do_sys_openat2", "do_filp_open", "vfs_open",       "vfs_read",      "vfs_write",
          "ksys_read",      "ksys_write",   "do_unlinkat",    "kernel_clone",  "do_exit",
          "schedule",       "__schedule",   "try_to_wake_up", "schedule_tail", "__kmalloc",
          "kmalloc",        "kfree",        "alloc_pages",    "_printk",       "exc_page_fault"}) {
        EXPECT_TRUE(elf.symbols.contains(name)) << name;
    }
}

TEST_F(MinikernelImage, CountsPerCpuVariablesFromZero) {
    const ElfSymbol& task = elf.symbols.find("current_task")->second;
    EXPECT_EQ(task.section, ".data..percpu");
    EXPECT_GT(task.address, 0U);
    EXPECT_LT(task.address, 4096U);
}

class MinikernelBtf : public testing::Test {
protected:
    void SetUp() override {
        btf.reset(btf__parse_elf(guest_image("minikernel.elf").c_str(), nullptr));
        ASSERT_NE(btf, nullptr);
    }

    // "name@offset name@offset ...", offsets in bytes.
    std::string members(const char* type_name) {
        const int id = btf__find_by_name_kind(btf.get(), type_name, BTF_KIND_STRUCT);
        if (id < 0) {
            return "no such struct";
        }
        const btf_type* type = btf__type_by_id(btf.get(), static_cast<std::uint32_t>(id));
        std::string text;
        for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
            text += (i == 0 ? "" : " ");
            text += btf__name_by_offset(btf.get(), btf_members(type)[i].name_off);
            text += "@" + std::to_string(btf_member_bit_offset(type, i) / 8);
        }
        return text;
    }

    struct Free {
        void operator()(::btf* b) const { btf__free(b); }
    };
    std::unique_ptr<::btf, Free> btf;
};

TEST_F(MinikernelBtf, DescribesPtRegsAsLinuxDoes) {
    EXPECT_EQ(members("pt_regs"),
              "r15@0 r14@8 r13@16 r12@24 bp@32 bx@40 r11@48 r10@56 r9@64 r8@72 ax@80 cx@88 dx@96 "
              "si@104 di@112 orig_ax@120 ip@128 cs@136 flags@144 sp@152 ss@160");
}

TEST_F(MinikernelBtf, HasTheTaskFieldsThatToolsRead) {
    const std::string task = " " + members("task_struct");
    for (const char* field : {"__state", "pid", "tgid", "comm", "real_parent", "group_leader",
                              "start_time", "flags", "exit_code", "stack"}) {
        EXPECT_NE(task.find(std::string(" ") + field + "@"), std::string::npos) << field;
    }
}

TEST_F(MinikernelBtf, KnowsFunctionPrototypesAndTheBpfInterface) {
    EXPECT_GT(btf__find_by_name_kind(btf.get(), "do_sys_openat2", BTF_KIND_FUNC), 0);
    EXPECT_GT(btf__find_by_name_kind(btf.get(), "bpf_map_type", BTF_KIND_ENUM), 0);
    EXPECT_GT(btf__find_by_name_kind(btf.get(), "__u64", BTF_KIND_TYPEDEF), 0);
}

TEST(ExampleObject, HasAProgramForItsProbe) {
    for (const char* name : {"open_counter.bpf.o", "open_names.bpf.o"}) {
        const ElfFile elf = read_elf(guest_image(name));
        EXPECT_TRUE(elf.sections.contains("kprobe/do_sys_openat2")) << name;
        EXPECT_TRUE(elf.sections.contains(".maps")) << name;
        EXPECT_TRUE(elf.sections.contains(".BTF")) << name;
    }
}

}  // namespace
}  // namespace trapgate::roms
