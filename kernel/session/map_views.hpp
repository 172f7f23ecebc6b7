// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "kernel/api/object.hpp"
#include "kernel/libbpf/type_printer.hpp"
#include "kernel/session/snapshot.hpp"

namespace trapgate::kernel {

/// A map's elements as values and text.
[[nodiscard]] MapView view_map(const MapObject& object);

/// Positions of a ring; the records are the session's to add.
[[nodiscard]] RingView view_ring(const MapObject& object);

}  // namespace trapgate::kernel
