// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

namespace trapgate::cli {

/// A value as libbpf's BTF printer writes it, for people: "(struct s){.a = (__u32)1,.b = (int)-2,}"
/// becomes "{.a = 1, .b = -2}", and "(char[4])['a','b',]" becomes "\"ab\"". Anything else, such as
/// hex bytes, stays as it is; so do strings.
[[nodiscard]] std::string plain_value(std::string_view text);

}  // namespace trapgate::cli
