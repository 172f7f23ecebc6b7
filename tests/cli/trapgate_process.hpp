// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/process.hpp"
#include "base/result.hpp"

namespace trapgate::cli {

/// An empty folder to run commands in, deleted at the end.
class ScratchFolder {
public:
    explicit ScratchFolder(const std::string& name);
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// After a failure: writes files (name, content) to artefacts/cli/NAME and prints its
    /// path.
    void keep(const std::vector<std::pair<std::string, std::string>>& files) const;

private:
    std::string name_;
    std::filesystem::path path_;
};

/// Runs a bash command line in `folder`, with the built `trapgate` first in PATH, the folder of
/// guest images in $SHARE, and neither colour nor a terminal. Killed after `max_seconds`.
[[nodiscard]] Result<ProcessResult> run_shell(const std::string& command,
                                              const std::filesystem::path& folder,
                                              double max_seconds = 60);

}  // namespace trapgate::cli
