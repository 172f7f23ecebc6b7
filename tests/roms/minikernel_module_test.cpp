// SPDX-License-Identifier: GPL-2.0-only
// Modules of the minikernel: good ones come and go; bad ones are refused as Linux refuses them.
#include <algorithm>
#include <cstring>
#include <functional>
#include <sstream>

#include <elf.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "tests/roms/elf_file.hpp"
#include "tests/roms/shell.hpp"

namespace trapgate::roms {
namespace {

using Bytes = std::vector<std::byte>;

TEST(MinikernelModules, ComeAndGoInOrder) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    for (const unsigned cpus : {1U, 4U}) {
        const Ran ran = run_shell(
            busybox,
            "cd /bin\n"
            "insmod greeter.ko 2> /dev/null; echo $?; insmod hello.ko; echo $?; insmod greeter.ko\n"
            "cat /proc/modules; rmmod hello 2> /dev/null; echo $?\n"
            "grep -c ' t hello_ticks\t.hello.$' /proc/kallsyms; sleep 0.05\n"
            "rmmod greeter; echo $?; rmmod hello; echo $?; rmmod hello 2> /dev/null; echo $?\n"
            "wc -l < /proc/modules; grep -c hello_ticks /proc/kallsyms",
            {.cpus = cpus, .programs = {guest_image("hello.ko"), guest_image("greeter.ko")}});
        EXPECT_EQ(ran.console,
                  "2\n0\nhello 12288 1 greeter, Live 0xffffffffa0000000\n"
                  "greeter 8192 0 - Live 0xffffffffa0003000\n1\n1\n0\n0\n1\n0\n0\n");
    }
}

TEST(MinikernelModules, GiveTheirMemoryBack) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(
        busybox,
        "free() { while read a b c; do case $a in MemFree:) echo $b;; esac; done < /proc/meminfo; "
        "}\n"
        "for n in 1 2 3 4; do insmod /bin/hello.ko; rmmod hello; free >> /tmp/free; done\n"
        "tail -2 /tmp/free | sort -u | wc -l",
        {.programs = {guest_image("hello.ko")}});
    EXPECT_EQ(ran.console, "1\n");
}

TEST(MinikernelKallsyms, AreTheImagesFunctions) {
    TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
    const Ran ran = run_shell(busybox, "cat /proc/kallsyms");
    const ElfFile elf = read_elf(guest_image("minikernel.elf"));
    std::istringstream lines(ran.console);
    std::uint64_t address = 0;
    std::string type, name;
    std::size_t count = 0;
    while (lines >> std::hex >> address >> type >> name) {
        ++count;
        const auto [first, last] = elf.symbols.equal_range(name);
        EXPECT_TRUE(std::any_of(first, last, [&](const auto& symbol) {
            return symbol.second.address == address;
        })) << name;
        EXPECT_TRUE(type == "T" || type == "t") << name;
    }
    const auto functions = std::ranges::count_if(
        elf.symbols, [](const auto& symbol) { return symbol.second.type == STT_FUNC; });
    EXPECT_EQ(count, static_cast<std::size_t>(functions));
}

class BadModule : public testing::Test {
protected:
    void SetUp() override {
        TRAPGATE_NEEDS_LINUX_FILE(busybox, "busybox");
        busybox_ = busybox;
        good_ = *read_file(guest_image("hello.ko"));
        std::memcpy(&header_, good_.data(), sizeof(header_));
        sections_.resize(header_.e_shnum);
        std::memcpy(sections_.data(), &good_.at(header_.e_shoff),
                    header_.e_shnum * sizeof(Elf64_Shdr));
    }

    template <class T>
    static void put(Bytes& bytes, std::size_t at, const T& value) {
        std::memcpy(&bytes.at(at), &value, sizeof(value));
    }
    [[nodiscard]] const Elf64_Shdr& section(unsigned type) const {
        return *std::ranges::find(sections_, type, &Elf64_Shdr::sh_type);
    }
    /// The relocations of the text.
    [[nodiscard]] std::size_t rela() const {
        const auto is_text = [this](const Elf64_Shdr& s) {
            return s.sh_type == SHT_RELA && (sections_.at(s.sh_info).sh_flags & SHF_EXECINSTR) != 0;
        };
        return std::ranges::find_if(sections_, is_text)->sh_offset;
    }
    void add(const Bytes& bytes) {
        files_.push_back({"/bin/bad" + std::to_string(files_.size()), bytes});
    }
    void add_changed(const std::function<void(Bytes&)>& change) {
        Bytes bytes = good_;
        change(bytes);
        add(bytes);
    }
    /// What insmod says to each, once.
    std::string insert_all() {
        std::string names;
        for (std::size_t i = 0; i < files_.size(); ++i) {
            names += " " + std::to_string(i);
        }
        const Ran ran = run_shell(
            busybox_,
            "for i in" + names +
                "; do insmod /bin/bad$i 2>&1 | sed 's/.*: //'; done | uniq -c | sed 's/^ *//'\n"
                "wc -l < /proc/modules; insmod /bin/hello.ko; rmmod hello; echo $?",
            {.programs = {guest_image("hello.ko")}, .files = files_});
        EXPECT_EQ(ran.stop.reason, emu::StopReason::GuestExit) << ran.console;
        return ran.console;
    }

    Bytes good_;
    Elf64_Ehdr header_{};
    std::vector<Elf64_Shdr> sections_;

private:
    std::filesystem::path busybox_;
    std::vector<GuestFile> files_;
};

TEST_F(BadModule, ThatWasCutShortIsRefused) {
    const auto size = static_cast<std::ptrdiff_t>(good_.size());
    for (std::ptrdiff_t n = 1; n < 40; ++n) {
        add(Bytes(good_.begin(), good_.begin() + size * n / 40));
    }
    EXPECT_EQ(insert_all(), "39 invalid module format\n0\n0\n");
}

TEST_F(BadModule, ThatIsNoModuleIsRefused) {
    add_changed([](Bytes& b) { put(b, 1, 'X'); });                         // no ELF
    add_changed([](Bytes& b) { put(b, 4, std::uint8_t{ELFCLASS32}); });    // 32 bits
    add_changed([](Bytes& b) { put(b, 16, std::uint16_t{ET_EXEC}); });     // a program
    add_changed([](Bytes& b) { put(b, 18, std::uint16_t{EM_AARCH64}); });  // another machine
    add_changed([](Bytes& b) { put(b, 40, std::uint64_t{1} << 60); });     // e_shoff
    add_changed([](Bytes& b) { put(b, 58, std::uint16_t{63}); });          // e_shentsize
    add_changed([](Bytes& b) { put(b, 60, std::uint16_t{0xffff}); });      // e_shnum
    add_changed([](Bytes& b) { put(b, 62, std::uint16_t{0xfff0}); });      // e_shstrndx
    add(Bytes(100, std::byte{0}));
    EXPECT_EQ(insert_all(), "9 invalid module format\n0\n0\n");
}

TEST_F(BadModule, WhoseSectionsLieIsRefused) {
    const auto at = [this](const Elf64_Shdr& s) {
        return header_.e_shoff + static_cast<std::size_t>(&s - sections_.data()) * sizeof(s);
    };
    const std::size_t symtab = at(section(SHT_SYMTAB)), bits = at(section(SHT_PROGBITS));
    const std::size_t symbols = section(SHT_SYMTAB).sh_offset;
    add_changed([&](Bytes& b) { put(b, symtab + 24, ~std::uint64_t{7}); });           // sh_offset
    add_changed([&](Bytes& b) { put(b, symtab + 32, std::uint64_t{1} << 50); });      // sh_size
    add_changed([&](Bytes& b) { put(b, symtab + 40, std::uint32_t{1000}); });         // sh_link
    add_changed([&](Bytes& b) { put(b, symtab + 4, std::uint32_t{SHT_PROGBITS}); });  // no symbols
    add_changed([&](Bytes& b) { put(b, symbols + 24, std::uint32_t{1} << 30); });     // st_name
    add_changed([&](Bytes& b) { put(b, bits, std::uint32_t{1} << 30); });             // sh_name
    add_changed([&](Bytes& b) { put(b, bits + 32, ~std::uint64_t{0}); });             // sh_size
    add_changed([&](Bytes& b) { put(b, bits + 48, std::uint64_t{3}); });  // sh_addralign
    add_changed([&](Bytes& b) { put(b, bits + 48, std::uint64_t{1} << 40); });
    EXPECT_EQ(insert_all(), "9 invalid module format\n0\n0\n");
}

TEST_F(BadModule, WhoseRelocationsLieIsRefused) {
    const std::size_t first = rela();
    const auto info = [](std::uint64_t symbol, std::uint64_t type) { return symbol << 32 | type; };
    add_changed([&](Bytes& b) { put(b, first, std::uint64_t{1} << 40); });  // r_offset
    add_changed([&](Bytes& b) { put(b, first, ~std::uint64_t{0}); });
    add_changed([&](Bytes& b) { put(b, first + 8, info(1, 9)); });              // GOTPCREL
    add_changed([&](Bytes& b) { put(b, first + 8, info(1, 77)); });             // no such type
    add_changed([&](Bytes& b) { put(b, first + 8, info(1 << 20, 2)); });        // no such symbol
    add_changed([&](Bytes& b) { put(b, first + 16, std::int64_t{1} << 40); });  // does not fit
    EXPECT_EQ(insert_all(), "6 invalid module format\n0\n0\n");
}

TEST_F(BadModule, ThatNeedsWhatIsNotThereIsRefused) {
    add_changed([](Bytes& b) {
        const std::string_view name("_printk\0", 8);
        const auto wanted = std::as_bytes(std::span(name));
        for (auto at = b.begin();
             (at = std::search(at, b.end(), wanted.begin(), wanted.end())) != b.end(); ++at) {
            at[6] = std::byte{'q'};
        }
    });
    EXPECT_EQ(insert_all(), "1 unknown symbol in module, or unknown parameter\n0\n0\n");
}

}  // namespace
}  // namespace trapgate::roms
