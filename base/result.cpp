// SPDX-License-Identifier: GPL-2.0-only
#include "base/result.hpp"

namespace trapgate {

std::string Error::message() const {
    std::string text = where.empty() ? what : where + ": " + what;
    if (!hint.empty()) {
        text += " (hint: " + hint + ")";
    }
    return text;
}

}  // namespace trapgate
