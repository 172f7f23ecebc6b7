// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "base/result.hpp"
#include "gui/app.hpp"
#include "gui/platform/ui_context.hpp"

namespace trapgate::gui {

struct WindowOptions {
    std::string title;
    int width = 1280;  ///< At scale 1, as far as the screen allows.
    int height = 800;
    float scale = 0;  ///< 1 is 96 dots per inch; 0 asks the display.
};

/// Opens a window and shows the application until it is closed. Draws at most 60 times a second
/// while the guest runs, and only on events while it does not. ENODEV without a display.
[[nodiscard]] Result<void> run_window(App& app, UiContext& ui, const WindowOptions& options);

}  // namespace trapgate::gui
