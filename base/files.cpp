// SPDX-License-Identifier: GPL-2.0-only
#include "base/files.hpp"

#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace trapgate {

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path) {
    const auto refuse = [&](int error) {
        return fail(std::strerror(error), path.string(), "check the path", error);
    };
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return refuse(errno);
    }
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) {
        return refuse(errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return refuse(EISDIR);
    }
    std::vector<std::byte> bytes;
    std::size_t filled = 0;
    bytes.resize(static_cast<std::size_t>(info.st_size) + 1);
    while (true) {
        const ssize_t got = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return refuse(errno);
        }
        if (got == 0) {
            break;
        }
        filled += static_cast<std::size_t>(got);
        if (filled == bytes.size()) {
            bytes.resize(bytes.size() * 2);
        }
    }
    bytes.resize(filled);
    return bytes;
}

Result<void> write_file(const std::filesystem::path& path, std::string_view bytes) {
    std::filesystem::path draft = path;
    draft += ".new";
    const auto give_up = [&](const std::string& what, int error) {
        std::error_code ignored;
        std::filesystem::remove(draft, ignored);
        return fail(what, path.string(), "is its folder writable?", error);
    };
    {
        errno = 0;
        std::ofstream out(draft, std::ios::binary | std::ios::trunc);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        out.close();
        if (!out) {
            const int error = errno == 0 ? EIO : errno;
            return give_up(std::strerror(error), error);
        }
    }
    std::error_code error;
    std::filesystem::rename(draft, path, error);
    if (error) {
        return give_up(error.message(), error.value());
    }
    return {};
}

std::filesystem::path program_folder() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? std::filesystem::current_path() : self.parent_path();
}

}  // namespace trapgate
