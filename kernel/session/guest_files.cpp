// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/guest_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <system_error>

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/files.hpp"
#include "emu/loader/cpio.hpp"
#include "kernel/session/shipped.hpp"

namespace trapgate::kernel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAddOption = "--add";
constexpr std::size_t kLongestPath = 4095;  // PATH_MAX without its NUL
constexpr std::uint32_t kPermissions = 07777;
constexpr std::uint32_t kProgram = 0755;

// HOST and GUEST of one --add.
struct Addition {
    fs::path host;
    std::string guest;
};

Result<std::string> check_guest_path(const std::string& path) {
    const auto refuse = [&](const char* what) {
        return fail(fmt::format("{}: {}", path, what), kAddOption,
                    "HOST:GUEST, where GUEST is a path in the guest: prog:/bin/prog");
    };
    if (!path.starts_with('/')) {
        return refuse("the path in the guest must begin with a slash");
    }
    if (path.size() > kLongestPath) {
        return refuse("longer than a path can be");
    }
    const fs::path parts(path);
    if (std::ranges::any_of(parts,
                            [](const fs::path& part) { return part == ".." || part == "."; })) {
        return refuse("\".\" and \"..\" mean nothing in the guest's archive");
    }
    if (parts.lexically_normal() == "/") {
        return refuse("names nothing");
    }
    return parts.lexically_normal().string();
}

Result<Addition> read_addition(const std::string& words) {
    std::error_code error;
    const std::size_t colon = fs::exists(words, error) ? std::string::npos : words.rfind(':');
    Addition addition{words.substr(0, colon), ""};
    if (addition.host.empty()) {
        return fail("the file to add is not named", kAddOption, "HOST[:GUEST]");
    }
    std::string guest = colon == std::string::npos ? "/" : words.substr(colon + 1);
    if (guest.ends_with('/')) {
        // "folder/" and "." have no name of their own.
        const fs::path whole = fs::absolute(addition.host, error).lexically_normal();
        guest += (whole.has_filename() ? whole : whole.parent_path()).filename().string();
    }
    return check_guest_path(guest).map([&](std::string checked) {
        addition.guest = std::move(checked);
        return addition;
    });
}

class Packer {
public:
    explicit Packer(std::uint64_t most) : room_(most), most_(most) {}

    Result<void> add(const Addition& addition) {
        struct stat status{};
        if (::stat(addition.host.c_str(), &status) != 0) {
            const int reason = errno;
            return fail(reason == ENOENT ? "no such file" : std::strerror(reason),
                        addition.host.string(), "--add puts files of this machine into the guest",
                        reason);
        }
        return add_one(addition, status);
    }

    Result<void> add_program(const fs::path& host, const std::string& guest) {
        return add_content(host, guest, kProgram);
    }

    emu::CpioWriter& writer() { return writer_; }

private:
    Result<void> add_one(const Addition& addition, const struct stat& status) {
        const std::uint32_t permissions = status.st_mode & kPermissions;
        if (S_ISREG(status.st_mode)) {
            return add_file(addition, permissions, static_cast<std::uint64_t>(status.st_size));
        }
        if (S_ISDIR(status.st_mode)) {
            writer_.add_directory(addition.guest, permissions);
            return add_folder(addition);
        }
        return fail("is neither a file nor a folder", addition.host.string(),
                    "devices, pipes and sockets cannot be copied into the guest", EINVAL);
    }

    Result<void> add_file(const Addition& addition, std::uint32_t permissions, std::uint64_t size) {
        if (size > room_) {
            return fail(fmt::format("with it the files to add have more than the guest's {} MiB of "
                                    "RAM",
                                    most_ >> 20),
                        addition.host.string(), "give the machine more memory with --mem", ENOMEM);
        }
        return add_content(addition.host, addition.guest, permissions);
    }

    Result<void> add_content(const fs::path& host, const std::string& guest,
                             std::uint32_t permissions) {
        return read_file(host).map([&](const std::vector<std::byte>& content) {
            room_ -= std::min<std::uint64_t>(room_, content.size());
            writer_.add_file(guest, content, permissions);
        });
    }

    Result<void> add_folder(const Addition& folder) {
        std::error_code error;
        std::vector<fs::path> names;
        for (fs::directory_iterator at(folder.host, error), end; !error && at != end;
             at.increment(error)) {
            names.push_back(at->path().filename());
        }
        if (error) {
            return fail(fmt::format("cannot be read: {}", error.message()), folder.host.string(),
                        "all of a folder is added", error.value());
        }
        std::ranges::sort(names);  // The host's order must not reach the guest.
        for (const fs::path& name : names) {
            const Result<void> added = add_entry(
                {folder.host / name, folder.guest + "/" + name.string()});
            if (!added) {
                return added;
            }
        }
        return {};
    }

    // Below a folder links stay links.
    Result<void> add_entry(const Addition& entry) {
        struct stat status{};
        if (::lstat(entry.host.c_str(), &status) != 0) {
            return fail(std::strerror(errno), entry.host.string(), "did it change meanwhile?",
                        errno);
        }
        if (entry.guest.size() > kLongestPath) {
            return fail("its path in the guest is longer than a path can be", entry.host.string(),
                        "add a folder that is less deep", ENAMETOOLONG);
        }
        if (!S_ISLNK(status.st_mode)) {
            return add_one(entry, status);
        }
        std::error_code error;
        const fs::path target = fs::read_symlink(entry.host, error);
        if (error) {
            return fail(error.message(), entry.host.string(), {}, error.value());
        }
        writer_.add_symlink(entry.guest, target.string());
        return {};
    }

    emu::CpioWriter writer_;
    std::uint64_t room_;
    std::uint64_t most_;
};

Result<void> add_shell(Packer& packer, const GuestFiles& files) {
    emu::CpioWriter& writer = packer.writer();
    writer.add_directory("/dev");
    writer.add_character_device("/dev/console", 5, 1);
    writer.add_file("/trapgate/command", std::as_bytes(std::span(files.shell_command)), 0400);
    return packer.add_program(share_folder() / "init", "/init").and_then([&]() -> Result<void> {
        return files.busybox.empty() ? Result<void>()
                                     : packer.add_program(files.busybox, "/bin/busybox");
    });
}

// An executable without an interpreter needs no libraries.
bool is_static_program(const fs::path& path) {
    const Result<std::vector<std::byte>> file = read_file(path);
    Elf64_Ehdr header{};
    if (!file || file->size() < sizeof(header)) {
        return false;
    }
    std::memcpy(&header, file->data(), sizeof(header));
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_machine != EM_X86_64) {
        return false;
    }
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment{};
        const std::uint64_t at = header.e_phoff + i * sizeof(segment);
        if (at > file->size() || file->size() - at < sizeof(segment)) {
            return false;
        }
        std::memcpy(&segment, file->data() + at, sizeof(segment));
        if (segment.p_type == PT_INTERP) {
            return false;
        }
    }
    return true;
}

}  // namespace

Result<std::vector<std::byte>> pack_guest_files(const GuestFiles& files, std::uint64_t most) {
    if (files.added.empty() && files.shell_command.empty()) {
        return std::vector<std::byte>();
    }
    Packer packer(most);
    if (!files.shell_command.empty()) {
        const Result<void> shell = add_shell(packer, files);
        if (!shell) {
            return tl::unexpected(shell.error());
        }
    }
    for (const std::string& words : files.added) {
        const Result<void> added = read_addition(words).and_then(
            [&](const Addition& addition) { return packer.add(addition); });
        if (!added) {
            return tl::unexpected(added.error());
        }
    }
    return packer.writer().finish();
}

std::string shell_command_line(const std::string& appended) {
    return "console=ttyS0 panic=-1 loglevel=3" + (appended.empty() ? "" : " " + appended);
}

std::filesystem::path debian_file(const std::string& name) {
    const char* folder = std::getenv("TRAPGATE_LINUX");
    const fs::path place = folder != nullptr && *folder != '\0'
                               ? fs::path(folder)
                               : program_folder() / "../../deps/linux";
    return (place / name).lexically_normal();
}

Result<std::filesystem::path> find_busybox() {
    for (const fs::path& candidate : {debian_file("busybox"), fs::path("/bin/busybox")}) {
        if (is_static_program(candidate)) {
            return candidate;
        }
    }
    return fail("there is no static busybox for the guest's shell", "--sh",
                "./dev fetch-linux gets it, or install busybox-static, or name an --initrd with a "
                "shell",
                ENOENT);
}

}  // namespace trapgate::kernel
