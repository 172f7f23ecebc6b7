// SPDX-License-Identifier: GPL-2.0-only
// What a user puts into the guest's initramfs: files of the host, and a command to run there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace trapgate::kernel {

/// The words of the command line that name files for the guest.
struct GuestFiles {
    /// "HOST[:GUEST]": a file, a folder with all below it, or a symbolic link in one. GUEST is an
    /// absolute path; it is "/NAME" when not given, and "GUEST/NAME" when GUEST ends with a slash.
    /// Modes are kept, owners are not. "a:b" is the file of that name where there is one.
    std::vector<std::string> added;
    /// For the shell in the guest; its status ends the machine. Empty: none.
    std::string shell_command;
    /// A program of the host, and its arguments: it runs as /root/NAME, called "./NAME", and its
    /// status ends the machine. Empty: none. kernel/session/guest_program.hpp checks it.
    std::vector<std::string> program;
    /// The initrd is not ours and needs our /init, which runs the two above or else a shell.
    bool bring_init = false;
};

/// The cpio archive that the guest unpacks over its initrd; empty when there is nothing to put
/// there. The same files make the same bytes. No more than `most` bytes are read (ENOMEM). Errors
/// name "--add" or the file.
[[nodiscard]] Result<std::vector<std::byte>> pack_guest_files(const GuestFiles& files,
                                                              std::uint64_t most);

/// What a kernel needs on its command line to boot to our /init: console, and an end on panic.
[[nodiscard]] std::string shell_command_line(const std::string& appended);

/// A file that `./dev fetch-linux` gets ("vmlinuz", "busybox"), whether it is there or not: in
/// build/deps/linux of the tree that this program was built in, or in the folder that
/// TRAPGATE_LINUX names.
[[nodiscard]] std::filesystem::path debian_file(const std::string& name);

}  // namespace trapgate::kernel
