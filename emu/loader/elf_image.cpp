// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/elf_image.hpp"

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <gelf.h>

#include <fmt/format.h>
#include <libelf.h>

namespace trapgate::emu {
namespace {

// Bounds on what hostile headers can cost. Linux has 4 or 5 segments, 100,000 to a million symbols,
// and names of at most KSYM_NAME_LEN.
constexpr std::size_t kMostSegments = 64;
constexpr std::size_t kMostSymbols = 1U << 21;
constexpr std::size_t kLongestName = 512;

struct ElfCloser {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfCloser>;

class Reader {
public:
    Reader(std::span<const std::byte> file, const std::string& name) : file_(file), name_(name) {}

    Result<ElfImage> read() {
        return open()
            .and_then([&] { return read_segments(); })
            .and_then([&] { return read_sections(); })
            .map([&] { return std::move(image_); });
    }

private:
    [[nodiscard]] auto refuse(std::string what, std::string hint = {}) const {
        return fail(std::move(what), name_, std::move(hint), ENOEXEC);
    }

    Result<void> open() {
        if (file_.size() < SELFMAG || std::memcmp(file_.data(), ELFMAG, SELFMAG) != 0) {
            return refuse("not an ELF file", "a kernel image is an ELF64 executable (vmlinux)");
        }
        elf_version(EV_CURRENT);
        // libelf writes nothing into an image that it was given to read.
        auto* const image = const_cast<std::byte*>(file_.data());
        elf_.reset(elf_memory(reinterpret_cast<char*>(image), file_.size()));
        GElf_Ehdr header;
        if (elf_ == nullptr || gelf_getehdr(elf_.get(), &header) == nullptr) {
            return refuse("the ELF header is damaged", "is the file complete?");
        }
        if (gelf_getclass(elf_.get()) != ELFCLASS64 || header.e_machine != EM_X86_64) {
            return refuse("not an x86-64 image", "the machine runs 64-bit x86 kernels only");
        }
        if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
            return refuse("not an executable image", "link the object file first");
        }
        image_.entry = header.e_entry;
        return {};
    }

    Result<void> read_segments() {
        std::size_t count = 0;
        elf_getphdrnum(elf_.get(), &count);
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < count; ++i) {
            GElf_Phdr header;
            if (gelf_getphdr(elf_.get(), static_cast<int>(i), &header) == nullptr) {
                return refuse("the program headers are damaged", "is the file complete?");
            }
            if (header.p_type != PT_LOAD || header.p_memsz == 0) {
                continue;
            }
            if (header.p_filesz > header.p_memsz || header.p_offset > file_.size() ||
                header.p_filesz > file_.size() - header.p_offset) {
                return refuse(fmt::format("segment {} goes beyond the end of the file", i),
                              "is the file complete?");
            }
            bytes += header.p_filesz;
            image_.segments.push_back({GuestPa{header.p_paddr}, GuestVa{header.p_vaddr},
                                       file_.subspan(header.p_offset, header.p_filesz),
                                       header.p_memsz});
        }
        if (image_.segments.size() > kMostSegments || bytes > file_.size()) {
            return refuse("its segments overlap or are too many", "this is no kernel image");
        }
        if (image_.segments.empty()) {
            return refuse("nothing to load", "the image has no PT_LOAD segment");
        }
        return {};
    }

    Result<void> read_sections() {
        std::size_t names = 0;
        if (elf_getshdrstrndx(elf_.get(), &names) != 0) {
            return {};  // Stripped to the bone; it still boots.
        }
        for (Elf_Scn* section = elf_nextscn(elf_.get(), nullptr); section != nullptr;
             section = elf_nextscn(elf_.get(), section)) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == nullptr) {
                return refuse("the section headers are damaged", "is the file complete?");
            }
            const char* const name = elf_strptr(elf_.get(), names, header.sh_name);
            if (header.sh_type == SHT_SYMTAB) {
                read_symbols(section, header);
            } else if (name != nullptr && std::string_view(name) == ".BTF") {
                if (header.sh_type != SHT_NOBITS && header.sh_offset <= file_.size() &&
                    header.sh_size <= file_.size() - header.sh_offset) {
                    image_.btf = file_.subspan(header.sh_offset, header.sh_size);
                }
            }
        }
        return {};
    }

    // The letters of nm(1) and /proc/kallsyms.
    char type_letter(const GElf_Sym& symbol) {
        char letter = 'a';
        GElf_Shdr header;
        Elf_Scn* const section = symbol.st_shndx < SHN_LORESERVE
                                     ? elf_getscn(elf_.get(), symbol.st_shndx)
                                     : nullptr;
        if (section != nullptr && gelf_getshdr(section, &header) != nullptr) {
            if ((header.sh_flags & SHF_EXECINSTR) != 0) {
                letter = 't';
            } else if (header.sh_type == SHT_NOBITS) {
                letter = 'b';
            } else {
                letter = (header.sh_flags & SHF_WRITE) != 0 ? 'd' : 'r';
            }
        }
        const bool global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL;
        return global ? static_cast<char>(letter - 'a' + 'A') : letter;
    }

    void read_symbols(Elf_Scn* section, const GElf_Shdr& header) {
        Elf_Data* const data = elf_getdata(section, nullptr);
        if (data == nullptr || header.sh_entsize == 0) {
            return;
        }
        const std::size_t count = data->d_size / header.sh_entsize;
        for (std::size_t i = 1; i < count; ++i) {
            GElf_Sym symbol;
            if (image_.symbols.size() == kMostSymbols ||
                gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) {
                return;
            }
            const int type = GELF_ST_TYPE(symbol.st_info);
            const char* const name = elf_strptr(elf_.get(), header.sh_link, symbol.st_name);
            const bool named = name != nullptr && *name != '\0' &&
                               ::strnlen(name, kLongestName) < kLongestName;
            if (!named || type == STT_FILE || type == STT_SECTION || symbol.st_shndx == SHN_UNDEF) {
                continue;
            }
            image_.symbols.push_back(
                {name, GuestVa{symbol.st_value}, symbol.st_size, type_letter(symbol)});
        }
    }

    std::span<const std::byte> file_;
    const std::string& name_;
    ElfHandle elf_;
    ElfImage image_;
};

}  // namespace

Result<ElfImage> read_elf_image(std::span<const std::byte> file, const std::string& name) {
    return Reader(file, name).read();
}

}  // namespace trapgate::emu
