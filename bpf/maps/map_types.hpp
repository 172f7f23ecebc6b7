// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <linux/bpf.h>

#include "bpf/maps/map.hpp"

namespace trapgate::bpf {

/// The kernel's internal ENOTSUPP, which bpf(2) lets out for operations that a map type does not
/// have.
inline constexpr int kErrnoNotSupp = 524;

/// One map type: its checks, in Linux's order, and its maker.
struct MapType {
    std::uint32_t type = 0;
    std::string_view name;  ///< bpftool's word: "array", "ringbuf"...
    /// 0 or a negative errno for the attributes; null when nothing is checked yet.
    int (*check)(const MapSpec& spec) = nullptr;
    /// Null for a type that is only a row: refused with EINVAL, as by a kernel built without it.
    Result<std::unique_ptr<Map>> (*make)(const MapSpec& spec, Storage& storage) = nullptr;
};

/// All map types that <linux/bpf.h> names, in its order.
[[nodiscard]] std::span<const MapType> map_types();
/// bpftool's word for a type, or "" for an unknown number.
[[nodiscard]] std::string_view map_type_name(std::uint32_t type);

}  // namespace trapgate::bpf
