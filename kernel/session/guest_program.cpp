// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/guest_program.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <elf.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/files.hpp"

namespace trapgate::kernel {
namespace {

using Bytes = std::vector<std::byte>;

// A value of the file, where all of it is there.
template <typename T>
std::optional<T> value_at(const Bytes& file, std::uint64_t at) {
    if (at > file.size() || file.size() - at < sizeof(T)) {
        return std::nullopt;
    }
    T value;
    std::memcpy(&value, file.data() + at, sizeof(T));
    return value;
}

std::string machine_name(std::uint16_t machine) {
    static const std::map<std::uint16_t, const char*> kNames{
        {EM_386, "i386"},
        {EM_ARM, "32-bit ARM"},
        {EM_AARCH64, "AArch64"},
        {EM_RISCV, "RISC-V"},
        {EM_PPC64, "PowerPC"},
        {EM_S390, "S/390"},
        {EM_MIPS, "MIPS"},
        {EM_SPARCV9, "SPARC"},
        {EM_LOONGARCH, "LoongArch"},
        {EM_BPF, "eBPF (-b attaches such a file)"}};
    const auto found = kNames.find(machine);
    return found != kNames.end() ? found->second : fmt::format("machine {}", machine);
}

// The dynamic loader that a program asks for; empty when it needs none.
Result<std::string> interpreter_of(const Bytes& file, const Elf64_Ehdr& header,
                                   const std::string& name) {
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        const auto segment = value_at<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
        if (!segment) {
            return fail("its program headers lie behind its end", name, "is the file whole?",
                        ENOEXEC);
        }
        if (segment->p_type != PT_INTERP) {
            continue;
        }
        const std::uint64_t from = std::min<std::uint64_t>(segment->p_offset, file.size());
        const std::uint64_t size = std::min<std::uint64_t>(segment->p_filesz, file.size() - from);
        std::string path(reinterpret_cast<const char*>(file.data()) + from, size);
        return path.substr(0, path.find('\0'));
    }
    return std::string();
}

Result<void> check_elf(const Bytes& file, const std::string& name) {
    const auto header = value_at<Elf64_Ehdr>(file, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return fail("is no program", name, "a static x86-64 Linux program (ELF), or a script",
                    ENOEXEC);
    }
    if (header->e_machine != EM_X86_64) {
        return fail(fmt::format("is a program for {}", machine_name(header->e_machine)), name,
                    "the guest is an x86-64 machine", ENOEXEC);
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64) {
        return fail("is a 32-bit program (x32)", name, "build it with -m64 -static", ENOEXEC);
    }
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN) {
        return fail("is an object file, not a program", name, "link it with -static", ENOEXEC);
    }
    return interpreter_of(file, *header, name).and_then([&](const std::string& loader) {
        return loader.empty()
                   ? Result<void>()
                   : fail(fmt::format("is dynamically linked: it needs {}, and libraries", loader),
                          name,
                          "link it with -static; or name an --initrd that has what it needs, and "
                          "a kernel for it",
                          ENOEXEC);
    });
}

}  // namespace

Result<void> check_guest_program(const std::filesystem::path& program) {
    const std::string name = program.string();
    struct stat status{};
    if (::stat(program.c_str(), &status) != 0) {
        const int reason = errno;
        return fail(reason == ENOENT ? "no such program" : std::strerror(reason), name,
                    program.has_parent_path() ? "it is a file of this machine"
                                              : "a file of this machine, by its path: ./" + name +
                                                    "; --sh runs what is in the guest",
                    reason);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail("is no file", name, "a static program of this machine", EACCES);
    }
    if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
        return fail("is not executable", name, "chmod +x " + name, EACCES);
    }
    return read_file(program).and_then([&](const Bytes& file) -> Result<void> {
        const auto begin = value_at<std::array<char, 2>>(file, 0);
        return begin && *begin == std::array{'#', '!'} ? Result<void>() : check_elf(file, name);
    });
}

}  // namespace trapgate::kernel
