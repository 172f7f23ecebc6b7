// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

namespace trapgate::cli {

/// What came of some bytes that were typed at an interactive console.
struct TypedKeys {
    std::string to_guest;
    bool leave = false;  ///< What was typed after it is dropped.
    bool help = false;
    bool operator==(const TypedKeys&) const = default;
};

/// Ctrl-A is ours: with x it leaves, with h it asks for help, with another Ctrl-A or a it sends one
/// to the guest, and with any other key nothing happens. All other bytes are the guest's.
class ConsoleKeys {
public:
    [[nodiscard]] TypedKeys take(std::string_view bytes);

    /// What Ctrl-A h shows, in lines that end with "\n".
    [[nodiscard]] static std::string_view help_text();

private:
    bool prefixed_ = false;
};

}  // namespace trapgate::cli
