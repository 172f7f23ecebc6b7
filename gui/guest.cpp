// SPDX-License-Identifier: GPL-2.0-only
#include "gui/guest.hpp"

#include <utility>

namespace trapgate::gui {

void StillGuest::send(std::string line) {
    answers_.push_back({std::move(line), fail("a picture takes no commands")});
}

std::vector<Answer> StillGuest::take_answers() { return std::exchange(answers_, {}); }

}  // namespace trapgate::gui
