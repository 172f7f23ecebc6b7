// SPDX-License-Identifier: GPL-2.0-only
// The whole window's content: toolbar, layout of panels, status bar, overlay. Draws into any ImGui
// frame, on a screen or not.
#pragma once

#include <cstddef>
#include <string>

#include "gui/guest.hpp"
#include "gui/keys.hpp"
#include "gui/layout/layout.hpp"
#include "gui/panels/panel.hpp"
#include "gui/stop_history.hpp"

namespace trapgate::gui {

class App {
public:
    /// Starts with this layout. `guest` must outlive the App.
    App(Guest& guest, Layout layout);
    App(const App&) = delete;  // The panels call back.
    App& operator=(const App&) = delete;

    /// Takes the newest snapshot and draws it over the whole display; to be called between
    /// NewFrame() and Render().
    void draw();
    /// The same into the current window, without the overlay.
    void draw_content();
    void act(Action action);
    /// A key was pressed: closes the copy menu or the overlay, or does what the key table says.
    void press(const Chord& chord);

    [[nodiscard]] const KeyMap& keys() const { return keys_; }
    [[nodiscard]] KeyMap& keys() { return keys_; }
    [[nodiscard]] const Layout& layout() const { return layout_; }
    [[nodiscard]] PanelState& panels() { return panels_; }
    /// The user wants the window closed.
    [[nodiscard]] bool quit() const { return quit_; }
    /// How large the user wants everything, as a factor of the first size.
    [[nodiscard]] float zoom() const;
    /// Snapshots may change without the user doing anything.
    [[nodiscard]] bool live() const;

private:
    void take_answers();
    void send(std::string line);
    void show_preset(std::size_t index);
    void draw_toolbar(const kernel::SessionSnapshot& snapshot);
    void draw_help();
    void draw_copy_menu();

    Guest& guest_;
    Layout layout_;
    PanelState panels_;
    StopHistory stops_;
    KeyMap keys_;
    std::size_t preset_ = 0;
    std::size_t zoom_;  ///< Its place among the zooms there are.
    bool help_ = false;
    bool quit_ = false;
    std::string last_error_;        ///< Of the newest command; shown until the next one.
    std::vector<CopyChoice> copy_;  ///< What the open copy menu offers; empty when it is closed.
};

}  // namespace trapgate::gui
