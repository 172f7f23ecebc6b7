// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/cpio.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include <sys/stat.h>

#include <fmt/format.h>

namespace trapgate::emu {
namespace {

constexpr std::string_view kMagic = "070701";
constexpr std::string_view kMagicWithChecksum = "070702";
constexpr std::string_view kTrailer = "TRAILER!!!";
constexpr std::size_t kFields = 13;
constexpr std::size_t kDigits = 8;
constexpr std::size_t kHeaderBytes = kMagic.size() + kFields * kDigits;
constexpr std::size_t kLongestPath = 4096;   // PATH_MAX
constexpr std::uint32_t kTime = 1767225600;  // 2026-01-01, the date that the machine starts at.

// The order of the header's numbers.
enum Field : std::size_t {
    Inode,
    Mode,
    Uid,
    Gid,
    Links,
    Mtime,
    FileSize,
    Major,
    Minor,
    DeviceMajor,
    DeviceMinor,
    NameSize,
    Checksum
};

constexpr std::size_t align4(std::size_t at) { return (at + 3) & ~std::size_t{3}; }

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<std::array<std::uint32_t, kFields>> read_fields(std::string_view header) {
    std::array<std::uint32_t, kFields> fields{};
    for (std::size_t i = 0; i < kFields; ++i) {
        const char* const from = header.data() + kMagic.size() + i * kDigits;
        const auto [end, error] = std::from_chars(from, from + kDigits, fields[i], 16);
        if (error != std::errc{} || end != from + kDigits) {
            return std::nullopt;
        }
    }
    return fields;
}

auto damaged(std::size_t at, std::string_view why) {
    return fail(fmt::format("the cpio archive is damaged at byte {}: {}", at, why), {},
                "is the file complete?", EBADMSG);
}

std::uint32_t checksum(std::span<const std::byte> data) {
    return std::accumulate(data.begin(), data.end(), 0U, [](std::uint32_t sum, std::byte byte) {
        return sum + std::to_integer<std::uint32_t>(byte);
    });
}

}  // namespace

bool is_cpio(std::span<const std::byte> bytes) {
    return text_of(bytes).starts_with(kMagic) || text_of(bytes).starts_with(kMagicWithChecksum);
}

Result<CpioArchive> read_cpio(std::span<const std::byte> bytes) {
    CpioArchive archive;
    std::size_t at = 0;
    while (true) {
        const std::span<const std::byte> rest = bytes.subspan(at);
        if (!is_cpio(rest)) {
            return damaged(at, rest.empty() ? "it ends without a trailer" : "no entry begins here");
        }
        if (rest.size() < kHeaderBytes) {
            return damaged(at, "it ends within a header");
        }
        const auto fields = read_fields(text_of(rest));
        if (!fields) {
            return damaged(at, "a header has a digit that is not hexadecimal");
        }
        const std::size_t name_size = (*fields)[NameSize];
        const std::size_t data_at = align4(kHeaderBytes + name_size);
        const std::size_t data_size = (*fields)[FileSize];
        if (name_size == 0 || name_size > kLongestPath) {
            return damaged(at, "a name has an impossible length");
        }
        if (data_at > rest.size() || data_size > rest.size() - data_at) {
            return damaged(at, "it ends within an entry");
        }
        std::string_view path = text_of(rest.subspan(kHeaderBytes, name_size));
        if (path.back() != '\0') {
            return damaged(at, "a name does not end");
        }
        path = path.substr(0, path.find('\0'));
        // The padding after the last data may be missing.
        at += std::min(align4(data_at + data_size), rest.size());
        if (path == kTrailer) {
            archive.bytes = at;
            return archive;
        }
        const std::span<const std::byte> data = rest.subspan(data_at, data_size);
        const bool regular = S_ISREG((*fields)[Mode]);
        if (text_of(rest).starts_with(kMagicWithChecksum) && regular &&
            checksum(data) != (*fields)[Checksum]) {
            return damaged(at, fmt::format("the checksum of {} is wrong", path));
        }
        archive.entries.push_back({path, (*fields)[Mode], (*fields)[Uid], (*fields)[Gid],
                                   (*fields)[Links], (*fields)[Mtime], (*fields)[DeviceMajor],
                                   (*fields)[DeviceMinor], data});
    }
}

void CpioWriter::add_directory(std::string_view path, std::uint32_t permissions) {
    add(path, {.mode = S_IFDIR | permissions, .links = 2});
}

void CpioWriter::add_file(std::string_view path, std::span<const std::byte> data,
                          std::uint32_t permissions) {
    add(path, {.mode = S_IFREG | permissions, .links = 1, .data = data});
}

void CpioWriter::add_symlink(std::string_view path, std::string_view target) {
    add(path, {.mode = S_IFLNK | 0777, .links = 1, .data = std::as_bytes(std::span(target))});
}

void CpioWriter::add_character_device(std::string_view path, std::uint32_t major,
                                      std::uint32_t minor, std::uint32_t permissions) {
    add(path,
        {.mode = S_IFCHR | permissions, .links = 1, .device_major = major, .device_minor = minor});
}

void CpioWriter::add_block_device(std::string_view path, std::uint32_t major, std::uint32_t minor,
                                  std::uint32_t permissions) {
    add(path,
        {.mode = S_IFBLK | permissions, .links = 1, .device_major = major, .device_minor = minor});
}

void CpioWriter::add(std::string_view path, CpioEntry entry) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    while (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    add_parents(path);
    if (S_ISDIR(entry.mode)) {
        directories_.emplace(path);
    }
    entry.path = path.empty() ? "." : path;
    entry.mtime = kTime;
    write(entry);
}

void CpioWriter::add_parents(std::string_view path) {
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
        const std::string_view parent = path.substr(0, slash);
        if (!directories_.contains(parent)) {
            directories_.emplace(parent);
            write({.path = parent, .mode = S_IFDIR | 0755, .links = 2, .mtime = kTime});
        }
    }
}

void CpioWriter::write(const CpioEntry& entry) {
    std::string header(kMagic);
    const auto number = [&header](std::size_t value) {
        header += fmt::format("{:08X}", static_cast<std::uint32_t>(value));
    };
    number(next_inode_++);
    for (const std::uint32_t value : {entry.mode, entry.uid, entry.gid, entry.links, entry.mtime}) {
        number(value);
    }
    number(entry.data.size());
    number(0);  // The archive's own device.
    number(0);
    number(entry.device_major);
    number(entry.device_minor);
    number(entry.path.size() + 1);
    number(0);  // A checksum is not part of "070701".
    header += entry.path;
    header += '\0';
    put(std::as_bytes(std::span(header)));
    put(entry.data);
}

void CpioWriter::put(std::span<const std::byte> bytes) {
    archive_.insert(archive_.end(), bytes.begin(), bytes.end());
    archive_.resize(align4(archive_.size()));
}

std::vector<std::byte> CpioWriter::finish() {
    write({.path = kTrailer, .links = 1});
    directories_.clear();
    next_inode_ = 1;
    return std::exchange(archive_, {});
}

}  // namespace trapgate::emu
