// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trapgate::gui {

struct PanelState;

/// Lines of text that follow their end until the user scrolls up. Only what is visible is drawn.
class TextLines {
public:
    /// Replaces the lines when they come from another object than before (kept alive, so that no
    /// later one can be taken for it); `make` is called only then.
    void update(const std::shared_ptr<const void>& source,
                const std::function<std::vector<std::string>()>& make);

    /// Fills the rest of the current window. `id` tells apart two of them in one window.
    void draw(const char* id, PanelState& state);

    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

private:
    std::vector<std::string> lines_;
    std::shared_ptr<const void> source_;
};

}  // namespace trapgate::gui
