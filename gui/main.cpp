// SPDX-License-Identifier: GPL-2.0-only
// trapgate-gui: a window on a machine, or a picture of one.
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/files.hpp"
#include "gui/app.hpp"
#include "gui/live_guest.hpp"
#include "gui/options.hpp"
#include "gui/platform/picture.hpp"
#include "gui/platform/ui_context.hpp"
#include "gui/platform/window.hpp"

namespace trapgate::gui {
namespace {

constexpr int kUsageStatus = 2;

int report(const Error& error) {
    fmt::print(stderr, "trapgate-gui: {}{}{}\n", error.where, error.where.empty() ? "" : ": ",
               error.what);
    if (!error.hint.empty()) {
        fmt::print(stderr, "hint: {}\n", error.hint);
    }
    return kUsageStatus;
}

void run_to_limit(kernel::Session& session, const Options& options) {
    const emu::StopEvent stop = session.run(options.limits);
    if (stop.reason == emu::StopReason::TimeLimit) {
        fmt::print(stderr, "trapgate-gui: the guest still runs after {} s; this is how it stands\n",
                   options.limits.max_host_seconds);
    }
}

// Without a display: the panel as text, the window as a file, or both.
Result<void> show_still(kernel::Session& session, const Options& options) {
    run_to_limit(session, options);
    StillGuest ended(session.snapshot());
    UiContext ui(options.scale > 0 ? options.scale : 1);
    if (!options.view.empty()) {
        PanelState state;
        fmt::print("{}",
                   view_text([&] { find_panel(options.view)->draw(ended.snapshot(), state); }));
    }
    if (options.screenshot.empty()) {
        return {};
    }
    App app(ended, options.layout);
    return render_picture(options.width, options.height, [&] { app.draw(); })
        .and_then([&](const Picture& picture) {
            return write_file(options.screenshot, png_bytes(picture));
        });
}

Result<void> show_window(std::unique_ptr<kernel::Session> session, const Options& options) {
    if (options.run_first) {
        run_to_limit(*session, options);
    }
    LiveGuest guest(std::move(session));
    UiContext ui(1);
    App app(guest, options.layout);
    return run_window(
        app, ui,
        {.title = fmt::format("Trapgate - {}", options.session.image.kernel.filename().string()),
         .width = options.width,
         .height = options.height,
         .scale = options.scale});
}

Result<void> show(const Options& options) {
    auto session = kernel::Session::create(options.session);
    if (!session) {
        return tl::unexpected(session.error());
    }
    return options.screenshot.empty() && options.view.empty()
               ? show_window(std::move(*session), options)
               : show_still(**session, options);
}

int run(std::span<const char* const> arguments) {
    const auto options = read_options(arguments, TRAPGATE_VERSION);
    if (!options) {
        return report(options.error());
    }
    if (const auto* help = std::get_if<HelpText>(&*options)) {
        fmt::print("{}", help->text);
        return 0;
    }
    const Result<void> shown = show(std::get<Options>(*options));
    return shown ? 0 : report(shown.error());
}

}  // namespace
}  // namespace trapgate::gui

int main(int argc, char** argv) {
    return trapgate::gui::run({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
}
