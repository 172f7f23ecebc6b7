// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/kernel_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/files.hpp"
#include "emu/loader/decompress.hpp"
#include "emu/loader/kallsyms.hpp"

namespace trapgate::emu {
namespace {

bool has(std::span<const std::byte> file, std::size_t at, std::string_view text) {
    return file.size() >= at + text.size() &&
           std::memcmp(file.data() + at, text.data(), text.size()) == 0;
}

bool is_elf(std::span<const std::byte> file) {
    return has(file, 0,
               "\x7f"
               "ELF");
}

// What people give by mistake gets a hint of its own.
tl::unexpected<Error> refuse(std::span<const std::byte> file, const std::string& name) {
    std::string hint = "a kernel is an ELF64 executable (vmlinux) or a Linux bzImage (vmlinuz)";
    if (file.empty()) {
        return fail("the file is empty", name, std::move(hint), ENOEXEC);
    }
    if (has(file, 0x38, "ARMd")) {
        hint = "it is a Linux image for arm64; the machine runs 64-bit x86 kernels only";
    } else if (has(file, 0, "070701") || has(file, 0, "070702")) {
        hint = "it is a cpio archive; an initramfs goes to --initrd";
    } else if (const auto compression = detect_compression(file)) {
        hint = fmt::format(
            "it is {} data; unpack it first, or give it to --initrd if it is an "
            "initramfs",
            compression_name(*compression));
    } else if (has(file, 0x1fe, "\x55\xaa")) {
        hint = "it is a boot sector or disk image; give the kernel itself";
    }
    return fail("neither an ELF file nor a Linux bzImage", name, std::move(hint), ENOEXEC);
}

}  // namespace

Result<KernelFile> parse_kernel_file(std::vector<std::byte> file, const std::string& name) {
    KernelFile kernel;
    if (is_elf(file)) {
        kernel.storage = std::move(file);
    } else if (is_bzimage(file)) {
        Result<BzImage> image = read_bzimage(file, name);
        if (!image) {
            return tl::unexpected(std::move(image.error()));
        }
        kernel.header = std::move(image->header);
        kernel.storage = std::move(image->vmlinux);
    } else {
        return refuse(file, name);
    }
    return read_elf_image(kernel.storage, name).map([&](ElfImage elf) {
        kernel.elf = std::move(elf);
        if (kernel.elf.symbols.empty()) {
            kernel.elf.symbols = find_kallsyms(kernel.elf.segments);
        }
        if (kernel.elf.btf.empty()) {
            kernel.elf.btf = find_btf(kernel.elf.segments);
        }
        return std::move(kernel);
    });
}

Result<KernelFile> read_kernel_file(const std::filesystem::path& path) {
    return read_file(path).and_then([&](std::vector<std::byte> file) {
        return parse_kernel_file(std::move(file), path.string());
    });
}

}  // namespace trapgate::emu
