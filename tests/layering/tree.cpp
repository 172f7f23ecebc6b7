// SPDX-License-Identifier: GPL-2.0-only
#include "tests/layering/tree.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace trapgate::layering {

std::vector<std::string> tree_files(const std::filesystem::path& root) {
    std::vector<std::string> files;
    for (auto entry = std::filesystem::recursive_directory_iterator(root);
         entry != std::filesystem::recursive_directory_iterator(); ++entry) {
        const std::string name = entry->path().filename().string();
        const std::string path = std::filesystem::relative(entry->path(), root).generic_string();
        const bool skipped = name.starts_with('.') || name.starts_with("cmake-build") ||
                             path == "build" || path == "tests/data";
        if (entry->is_directory()) {
            if (skipped) {
                entry.disable_recursion_pending();
            }
        } else if (!skipped) {
            files.push_back(path);
        }
    }
    std::ranges::sort(files);
    return files;
}

std::vector<std::string> source_files(const std::filesystem::path& root) {
    constexpr std::array<std::string_view, 5> kEndings = {".hpp", ".cpp", ".h", ".c", ".S"};
    std::vector<std::string> files = tree_files(root);
    std::erase_if(files, [&](const std::string& path) {
        return std::ranges::none_of(kEndings,
                                    [&](std::string_view e) { return path.ends_with(e); });
    });
    return files;
}

}  // namespace trapgate::layering
