// SPDX-License-Identifier: GPL-2.0-only
#include "cli/typed.hpp"

#include <cstdlib>
#include <sstream>
#include <system_error>

#include "base/files.hpp"

namespace trapgate::cli {

std::string typed(const std::filesystem::path& path) {
    std::error_code error;
    const std::string near = std::filesystem::proximate(path, error).string();
    return error || near.empty() || near.size() > path.string().size() ? path.string() : near;
}

std::string own_command() {
    // Found by PATH: then its bare name is enough.
    const std::filesystem::path self = program_folder() / "trapgate";
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::filesystem::path candidate = std::filesystem::path(folder) / "trapgate";
        std::error_code error;
        if (std::filesystem::exists(candidate, error)) {
            if (std::filesystem::equivalent(candidate, self, error)) {
                return "trapgate";
            }
            break;
        }
    }
    const std::string name = typed(self);
    return name.find('/') == std::string::npos ? "./" + name : name;
}

}  // namespace trapgate::cli
