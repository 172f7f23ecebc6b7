// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace trapgate::kernel {

/// One sentence, place and hint from what libbpf printed when it could not open or load an object.
/// `where` is used when the log names no program or map.
[[nodiscard]] Error explain_load_failure(std::string_view log, int linux_errno, std::string where);

}  // namespace trapgate::kernel
