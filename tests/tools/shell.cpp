// SPDX-License-Identifier: GPL-2.0-only
#include "tests/tools/shell.hpp"

#include "base/process.hpp"

namespace trapgate::tools {

ShellResult shell(const std::string& command) {
    ProcessOptions options;
    options.folder = TRAPGATE_SOURCE_DIR;
    const auto result = run_process({"bash", "-c", "exec 2>&1\n" + command}, options);
    return result ? ShellResult{result->status, result->out}
                  : ShellResult{-1, result.error().message()};
}

}  // namespace trapgate::tools
