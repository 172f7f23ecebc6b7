// SPDX-License-Identifier: GPL-2.0-only
// What stdout and stderr are: a terminal with colours, or a file or pipe that gets plain text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trapgate::cli {

enum class Style { Bold, Dim, Red, Green, Yellow, Cyan };

struct Terminal {
    bool is_terminal = false;
    bool colour = false;       ///< A terminal that is not "dumb", and NO_COLOR is empty or unset.
    std::size_t columns = 80;  ///< Width to wrap text at.

    /// `text` in a style, where there are styles.
    [[nodiscard]] std::string paint(Style style, std::string_view text) const;
};

/// What descriptor `fd` is.
[[nodiscard]] Terminal terminal_of(int fd);

/// Both are the same terminal, so that what is written to one shows amid the other's.
[[nodiscard]] bool same_terminal(int fd, int other_fd);

/// Breaks `text` at spaces into lines of at most `columns`; later lines begin with `indent` spaces,
/// the first one does not.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t columns, std::size_t indent = 0);

/// "1,234,567".
[[nodiscard]] std::string grouped(unsigned long long number);

}  // namespace trapgate::cli
