// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace trapgate {

/// An error caused by input: what went wrong, where, and what to try next. Bugs of our own never
/// travel as values; they hit TG_CHECK (base/check.hpp).
struct Error {
    std::string what;          ///< One sentence without a full stop: "not an ELF file".
    std::string where;         ///< File, option, symbol or address; empty when `what` says it all.
    std::string hint;          ///< The next step for the user; may be empty.
    int linux_errno = EINVAL;  ///< Positive errno that Linux gives for the same mistake.

    bool operator==(const Error&) const = default;

    /// "where: what (hint: ...)" on one line.
    [[nodiscard]] std::string message() const;
};

/// A value, or the reason why there is none.
template <class T>
using Result = tl::expected<T, Error>;

/// Builds the error arm of any Result.
[[nodiscard]] inline tl::unexpected<Error> fail(std::string what, std::string where = {},
                                                std::string hint = {}, int linux_errno = EINVAL) {
    return tl::unexpected<Error>(
        Error{std::move(what), std::move(where), std::move(hint), linux_errno});
}

/// The same for errors that only need an errno and a sentence.
[[nodiscard]] inline tl::unexpected<Error> fail_errno(int linux_errno, std::string what) {
    return fail(std::move(what), {}, {}, linux_errno);
}

}  // namespace trapgate
