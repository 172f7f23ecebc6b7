// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.hpp"

namespace trapgate::emu {

/// Proves, once a process, everything that the engine assumes of libunicorn beyond its public API:
/// that each replaced function is really called, that the fields it writes mean what it thinks, and
/// that blocks can be cut to length. The error says which assumption failed. A few milliseconds the
/// first time.
[[nodiscard]] Result<void> check_engine_once();

}  // namespace trapgate::emu
