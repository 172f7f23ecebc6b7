// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The "newc" cpio format, which the Linux initramfs is unpacked from: per entry a header of
/// "070701" and 13 numbers of 8 hex digits, the name with its NUL, padding to 4 bytes, the data,
/// padding to 4 bytes; the entry "TRAILER!!!" ends the archive. Source:
/// Documentation/driver-api/early-userspace/buffer-format.rst.

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace trapgate::emu {

/// One entry of an archive. Name and data point into the archive.
struct CpioEntry {
    std::string_view path{};
    std::uint32_t mode = 0;  ///< As in stat(2): type and permissions.
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t links = 0;
    std::uint32_t mtime = 0;         ///< Seconds since 1970.
    std::uint32_t device_major = 0;  ///< What a device node stands for.
    std::uint32_t device_minor = 0;
    std::span<const std::byte> data{};  ///< A file's content or a symbolic link's target.
};

struct CpioArchive {
    std::vector<CpioEntry> entries;
    std::size_t bytes = 0;  ///< To the end of the trailer's padding, or of the input.
};

[[nodiscard]] bool is_cpio(std::span<const std::byte> bytes);

/// Reads one archive from the start of `bytes`. Errors (EBADMSG) give the offset of the entry that
/// is damaged, cut short, or fails its checksum ("070702" archives).
[[nodiscard]] Result<CpioArchive> read_cpio(std::span<const std::byte> bytes);

/// Builds an archive. Everything belongs to root and has the same time, so that equal input makes
/// equal bytes. Parent directories that were not added are put in front (mode 0755). Paths may
/// begin with '/'; a path that comes twice is written twice, and the guest keeps the later one.
class CpioWriter {
public:
    /// `permissions` are the low 12 bits of the mode.
    void add_directory(std::string_view path, std::uint32_t permissions = 0755);
    void add_file(std::string_view path, std::span<const std::byte> data,
                  std::uint32_t permissions = 0644);
    void add_symlink(std::string_view path, std::string_view target);
    void add_character_device(std::string_view path, std::uint32_t major, std::uint32_t minor,
                              std::uint32_t permissions = 0600);
    void add_block_device(std::string_view path, std::uint32_t major, std::uint32_t minor,
                          std::uint32_t permissions = 0600);

    /// Writes the trailer and gives the archive away; the writer is empty again.
    [[nodiscard]] std::vector<std::byte> finish();

private:
    void add(std::string_view path, CpioEntry entry);
    void add_parents(std::string_view path);
    void write(const CpioEntry& entry);
    void put(std::span<const std::byte> bytes);

    std::vector<std::byte> archive_;
    std::set<std::string, std::less<>> directories_;
    std::uint32_t next_inode_ = 1;
};

}  // namespace trapgate::emu
