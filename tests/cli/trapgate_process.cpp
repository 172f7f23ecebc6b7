// SPDX-License-Identifier: GPL-2.0-only
#include "tests/cli/trapgate_process.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include <gtest/gtest.h>

namespace trapgate::cli {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder(const std::string& name) : name_(name) {
    std::string folder = (fs::temp_directory_path() / "trapgate-cli-XXXXXX").string();
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    path_ = folder;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void ScratchFolder::keep(const std::vector<std::pair<std::string, std::string>>& files) const {
    const fs::path artifacts = fs::current_path() / "artefacts" / "cli" / name_;
    fs::create_directories(artifacts);
    for (const auto& [name, content] : files) {
        std::ofstream(artifacts / name, std::ios::binary) << content;
    }
    std::cerr << "what it printed is in " << artifacts.string() << "\n";
}

Result<ProcessResult> run_shell(const std::string& command, const fs::path& folder,
                                double max_seconds) {
    const char* path = std::getenv("PATH");
    ProcessOptions options;
    options.folder = folder;
    options.max_seconds = max_seconds;
    options.environment = {
        "PATH=" TRAPGATE_BIN_DIR ":" + std::string(path == nullptr ? "" : path),
        "SHARE=" + (fs::path(TRAPGATE_BIN_DIR).parent_path() / "share/trapgate").string(),
        "NO_COLOR=", "TERM=xterm"};
    return run_process({"bash", "-c", command}, options);
}

}  // namespace trapgate::cli
