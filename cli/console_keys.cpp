// SPDX-License-Identifier: GPL-2.0-only
#include "cli/console_keys.hpp"

namespace trapgate::cli {
namespace {

constexpr char kPrefix = 1;  // Ctrl-A

}  // namespace

TypedKeys ConsoleKeys::take(std::string_view bytes) {
    TypedKeys keys;
    for (const char key : bytes) {
        if (!prefixed_) {
            if (key == kPrefix) {
                prefixed_ = true;
            } else {
                keys.to_guest += key;
            }
            continue;
        }
        prefixed_ = false;
        switch (key) {
            case 'x':
            case 'X': keys.leave = true; return keys;
            case 'h':
            case 'H':
            case '?': keys.help = true; break;
            case kPrefix:
            case 'a':
            case 'A': keys.to_guest += kPrefix; break;
            default: break;
        }
    }
    return keys;
}

std::string_view ConsoleKeys::help_text() {
    return "\n"
           "  Ctrl-A x       leave: the guest is switched off\n"
           "  Ctrl-A h       this help\n"
           "  Ctrl-A Ctrl-A  send Ctrl-A to the guest\n"
           "All other keys, Ctrl-C too, go to the guest.\n";
}

}  // namespace trapgate::cli
