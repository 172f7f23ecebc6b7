// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "gui/layout/layout.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::gui {

/// What the command line asks for. Options that `trapgate run` has too mean the same here.
struct Options {
    kernel::SessionConfig session;
    emu::RunLimits limits;   ///< Of --run-first, --screenshot and --print-view.
    bool run_first = false;  ///< Let the guest run before the window opens.
    Layout layout;
    std::filesystem::path screenshot;  ///< Draw into this PNG file instead of a window; empty: no.
    std::string view;                  ///< Print this panel as text instead; empty: no.
    int width = 1280;
    int height = 800;
    float scale = 0;  ///< 0: as the display says; 1 in pictures.
};

/// Text to print instead of doing anything.
struct HelpText {
    std::string text;
};

/// Reads argv without the program's name; `version` is what --version prints. Errors name the
/// option, with the nearest ones.
[[nodiscard]] Result<std::variant<Options, HelpText>> read_options(
    std::span<const char* const> arguments, std::string_view version);

}  // namespace trapgate::gui
