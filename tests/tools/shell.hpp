// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace trapgate::tools {

struct ShellResult {
    int status = 0;      ///< Exit status; 128 + N when signal N ended it.
    std::string output;  ///< stdout and stderr together.
};

/// Runs a bash command line in the root of the tree.
[[nodiscard]] ShellResult shell(const std::string& command);

}  // namespace trapgate::tools
