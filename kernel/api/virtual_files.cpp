// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/virtual_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

// Where the host keeps things that tell of its own kernel.
constexpr std::array<std::string_view, 8> kHostKernelPlaces = {
    "/sys",           "/proc",     "/boot",    "/lib/modules", "/usr/lib/modules",
    "/usr/lib/debug", "/dev/kmem", "/dev/kmsg"};
// What a process may well look at there: itself.
constexpr std::string_view kSelf = "/proc/self";

bool below(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// The path without "//", "/./" and "/../", so that no spelling gets around the table. Links are
/// not followed.
std::string plain(std::string_view path) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        if (part == ".." && !parts.empty()) {
            parts.pop_back();
        } else if (!part.empty() && part != "." && part != "..") {
            parts.push_back(part);
        }
        at = end + 1;
    }
    std::string text;
    for (const std::string_view part : parts) {
        text.append("/").append(part);
    }
    return text.empty() ? "/" : text;
}

}  // namespace

std::string kallsyms_text(const emu::SymbolTable& symbols) {
    std::string text;
    for (const emu::Symbol& symbol : symbols.all()) {
        fmt::format_to(std::back_inserter(text), "{:016x} {} {}\n", symbol.address.value,
                       symbol.type, symbol.name);
    }
    return text;
}

VirtualFiles::VirtualFiles(const GuestFacts& guest) {
    add("/sys/bus/event_source/devices/kprobe/type",
        [] { return fmt::format("{}\n", kKprobePmuType); });
    add("/sys/bus/event_source/devices/kprobe/format/retprobe",
        [] { return std::string("config:0\n"); });
    add(
        "/sys/kernel/btf/vmlinux",
        [&guest] {
            const auto btf = guest.btf();
            return std::string(reinterpret_cast<const char*>(btf.data()), btf.size());
        },
        [&guest] { return !guest.btf().empty(); });
    add("/proc/kallsyms", [&guest] { return kallsyms_text(guest.symbols()); });
    add("/proc/version",
        [&guest] { return fmt::format("Linux version {} {}\n", guest.release, guest.version); });
    add("/sys/devices/system/cpu/possible", [&guest] {
        return guest.cpus == 1 ? std::string("0\n") : fmt::format("0-{}\n", guest.cpus - 1);
    });
    add("/sys/devices/system/cpu/online", [&guest] {
        return guest.cpus == 1 ? std::string("0\n") : fmt::format("0-{}\n", guest.cpus - 1);
    });
}

const VirtualFiles::File* VirtualFiles::find(std::string_view path) const {
    const auto found = files_.find(path);
    const bool there = found != files_.end() && (!found->second.exists || found->second.exists());
    return there ? &found->second : nullptr;
}

VirtualFiles::Place VirtualFiles::place(std::string_view path) const {
    if (!path.starts_with('/')) {
        return Place::Host;
    }
    const std::string clean = plain(path);
    if (find(clean) != nullptr) {
        return Place::Virtual;
    }
    if (below(clean, kSelf)) {
        return Place::Host;
    }
    const bool hidden = std::any_of(
        kHostKernelPlaces.begin(), kHostKernelPlaces.end(),
        [&clean](std::string_view folder) { return below(clean, folder); });
    return hidden ? Place::Nowhere : Place::Host;
}

std::optional<std::string> VirtualFiles::read(std::string_view path) const {
    const File* file = find(plain(path));
    return file == nullptr ? std::nullopt : std::optional(file->content());
}

UniqueFd VirtualFiles::open(std::string_view path) const {
    const auto content = read(path);
    if (!content) {
        errno = ENOENT;
        return {};
    }
    UniqueFd fd(::memfd_create("trapgate-file", MFD_CLOEXEC));
    for (std::size_t done = 0; fd && done < content->size();) {
        const ssize_t written = ::write(fd.get(), content->data() + done, content->size() - done);
        if (written <= 0) {
            return {};
        }
        done += static_cast<std::size_t>(written);
    }
    if (fd) {
        ::lseek(fd.get(), 0, SEEK_SET);
    }
    return fd;
}

}  // namespace trapgate::kernel
