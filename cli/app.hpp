// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string_view>

namespace trapgate::cli {

/// The whole `trapgate` command: reads the command line, runs what it asks for, and answers with
/// the exit status. May end the process by SIGPIPE when stdout's reader has gone.
[[nodiscard]] int run_app(int argc, char** argv, std::string_view version);

}  // namespace trapgate::cli
