// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>

#include <CLI/CLI.hpp>

namespace trapgate::cli {

/// How --help looks: examples first, then usage and options, within 80 columns.
[[nodiscard]] std::shared_ptr<CLI::Formatter> help_formatter();

}  // namespace trapgate::cli
