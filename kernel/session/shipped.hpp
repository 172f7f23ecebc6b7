// SPDX-License-Identifier: GPL-2.0-only
// Data that ships beside the binaries: bin/trapgate looks into share/trapgate next to bin.
#pragma once

#include <filesystem>

namespace trapgate::kernel {

/// build/<preset>/share/trapgate, or <prefix>/share/trapgate once installed.
[[nodiscard]] std::filesystem::path share_folder();
/// The guest kernel that front ends boot when they are given none.
[[nodiscard]] std::filesystem::path default_image();
/// What it boots to: an init, Debian's busybox, programs of ours (roms/user).
[[nodiscard]] std::filesystem::path default_initramfs();
/// Where vmlinux.h is, the guest kernel's types.
[[nodiscard]] std::filesystem::path include_folder();
/// Where the labs are.
[[nodiscard]] std::filesystem::path labs_folder();

/// `file`, or the file of that bare name that ships beside the binaries when there is only that.
[[nodiscard]] std::filesystem::path shipped_or(const std::filesystem::path& file);

}  // namespace trapgate::kernel
