// SPDX-License-Identifier: GPL-2.0-only
#include "tests/tools/shell.hpp"

#include <array>
#include <cstdio>

#include <sys/wait.h>

namespace trapgate::tools {

ShellResult shell(const std::string& command) {
    std::string quoted = "cd '" TRAPGATE_SOURCE_DIR "' && { " + command + "\n} 2>&1";
    FILE* pipe = ::popen(("exec bash <<'END_OF_SHELL'\n" + quoted + "\nEND_OF_SHELL\n").c_str(),
                         "r");
    if (pipe == nullptr) {
        return {.status = -1, .output = "popen failed"};
    }
    ShellResult result;
    std::array<char, 4096> buffer{};
    for (std::size_t got = 1; got != 0;) {
        got = std::fread(buffer.data(), 1, buffer.size(), pipe);
        result.output.append(buffer.data(), got);
    }
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

}  // namespace trapgate::tools
