// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/shipped.hpp"

#include <system_error>

#include "base/files.hpp"

namespace trapgate::kernel {

std::filesystem::path share_folder() {
    return program_folder().parent_path() / "share" / "trapgate";
}

std::filesystem::path default_image() { return share_folder() / "minikernel.elf"; }

std::filesystem::path default_initramfs() { return share_folder() / "initramfs.cpio"; }

std::filesystem::path include_folder() { return share_folder() / "include"; }

std::filesystem::path labs_folder() { return share_folder() / "labs"; }

std::filesystem::path shipped_or(const std::filesystem::path& file) {
    const std::filesystem::path shipped = share_folder() / file;
    std::error_code error;
    const bool only_there = !file.has_parent_path() && !std::filesystem::exists(file, error) &&
                            std::filesystem::is_regular_file(shipped, error);
    return only_there ? shipped : file;
}

}  // namespace trapgate::kernel
