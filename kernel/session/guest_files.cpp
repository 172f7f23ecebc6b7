// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/guest_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <system_error>

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
constexpr std::size_t kMostWords = 65536;  // of a command line, all in all

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
        return refuse(R"("." and ".." mean nothing in the guest's archive)");
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

Result<void> check_words(std::size_t bytes, const char* option) {
    return bytes <= kMostWords
               ? Result<void>()
               : fail(fmt::format("{} bytes, more than a Linux program is given", bytes), option,
                      fmt::format("at most {}", kMostWords), E2BIG);
}

Result<void> add_command(Packer& packer, const std::string& command) {
    packer.writer().add_file("/trapgate/command", std::as_bytes(std::span(command)), 0400);
    return check_words(command.size(), "--sh");
}

Result<void> add_program(Packer& packer, const std::vector<std::string>& program) {
    const fs::path host = program.front();
    const std::string name = host.filename().string();
    std::string words = "./" + name + '\0';
    for (std::size_t i = 1; i < program.size(); ++i) {
        words += program[i] + '\0';
    }
    packer.writer().add_file("/trapgate/program", std::as_bytes(std::span(words)), 0400);
    return check_words(words.size(), "--").and_then([&] {
        return packer.add_program(host, "/root/" + name);
    });
}

// What /init (roms/user/init) looks for.
Result<void> add_job(Packer& packer, const GuestFiles& files) {
    return !files.program.empty()         ? add_program(packer, files.program)
           : !files.shell_command.empty() ? add_command(packer, files.shell_command)
                                          : Result<void>();
}

Result<void> add_init(Packer& packer) {
    packer.writer().add_directory("/dev");
    packer.writer().add_character_device("/dev/console", 5, 1);
    return packer.add_program(share_folder() / "init", "/init");
}

}  // namespace

Result<std::vector<std::byte>> pack_guest_files(const GuestFiles& files, std::uint64_t most) {
    if (files.added.empty() && files.shell_command.empty() && files.program.empty() &&
        !files.bring_init) {
        return std::vector<std::byte>();
    }
    Packer packer(most);
    Result<void> packed = files.bring_init ? add_init(packer) : Result<void>();
    packed = packed.and_then([&] { return add_job(packer, files); });
    for (const std::string& words : files.added) {
        packed = packed.and_then([&] {
            return read_addition(words).and_then(
                [&](const Addition& addition) { return packer.add(addition); });
        });
    }
    return packed.map([&] { return packer.writer().finish(); });
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

}  // namespace trapgate::kernel
