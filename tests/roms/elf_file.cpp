// SPDX-License-Identifier: GPL-2.0-only
#include "tests/roms/elf_file.hpp"

#include <fcntl.h>
#include <gelf.h>

#include <gtest/gtest.h>

#include "base/unique_fd.hpp"

namespace trapgate::roms {
namespace {

void read_symbols(Elf* elf, Elf_Scn* table, std::size_t names, ElfFile& file) {
    GElf_Shdr header;
    gelf_getshdr(table, &header);
    Elf_Data* data = elf_getdata(table, nullptr);
    const std::size_t count = header.sh_size / header.sh_entsize;
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Sym symbol;
        gelf_getsym(data, static_cast<int>(i), &symbol);
        std::string section;
        GElf_Shdr home;
        if (gelf_getshdr(elf_getscn(elf, symbol.st_shndx), &home) != nullptr) {
            section = elf_strptr(elf, names, home.sh_name);
        }
        file.symbols.emplace(
            elf_strptr(elf, header.sh_link, symbol.st_name),
            ElfSymbol{symbol.st_value, symbol.st_size,
                      static_cast<unsigned char>(GELF_ST_TYPE(symbol.st_info)), section});
    }
}

void read_sections(Elf* elf, ElfFile& file) {
    std::size_t names = 0;
    elf_getshdrstrndx(elf, &names);
    for (Elf_Scn* scn = elf_nextscn(elf, nullptr); scn != nullptr; scn = elf_nextscn(elf, scn)) {
        GElf_Shdr header;
        gelf_getshdr(scn, &header);
        file.sections[elf_strptr(elf, names, header.sh_name)] = {header.sh_addr, header.sh_size,
                                                                 header.sh_flags};
        if (header.sh_type == SHT_SYMTAB) {
            read_symbols(elf, scn, names, file);
        }
    }
}

void read_program_headers(Elf* elf, ElfFile& file) {
    std::size_t count = 0;
    elf_getphdrnum(elf, &count);
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr header;
        gelf_getphdr(elf, static_cast<int>(i), &header);
        file.program_headers.push_back(
            {header.p_vaddr, header.p_paddr, header.p_memsz, header.p_type, header.p_flags});
    }
}

}  // namespace

ElfFile read_elf(const std::filesystem::path& path) {
    ElfFile file;
    elf_version(EV_CURRENT);
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    Elf* elf = elf_begin(fd.get(), ELF_C_READ, nullptr);
    GElf_Ehdr header;
    if (elf == nullptr || gelf_getehdr(elf, &header) == nullptr) {
        ADD_FAILURE() << path << ": " << elf_errmsg(-1);
    } else {
        file.entry = header.e_entry;
        read_sections(elf, file);
        read_program_headers(elf, file);
    }
    elf_end(elf);
    return file;
}

std::filesystem::path guest_image(const std::string& name) {
    return std::filesystem::path(TRAPGATE_SHARE_DIR) / name;
}

}  // namespace trapgate::roms
