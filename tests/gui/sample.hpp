// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "kernel/session/snapshot.hpp"

namespace trapgate::gui::testing {

/// A hand-made machine that has stopped in a probed function: every panel has something to show.
[[nodiscard]] kernel::SessionSnapshot sample_snapshot();

/// The same machine some instructions earlier: RAX, RIP, ZF, one map value and one probe differ,
/// one element is missing.
[[nodiscard]] kernel::SessionSnapshot sample_before();

[[nodiscard]] kernel::SnapshotPtr share(kernel::SessionSnapshot snapshot);

[[nodiscard]] std::vector<std::byte> bytes_of(std::string_view text);

}  // namespace trapgate::gui::testing
