// SPDX-License-Identifier: GPL-2.0-only
// The helper functions a program may call: one table for verifier, disassembler and runtime. Names
// and numbers are enum bpf_func_id's of <linux/bpf.h>; prototypes are those that bpf-helpers(7)
// documents, in the verifier's terms.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trapgate::bpf {

/// What a helper asks of one argument.
enum class ArgType : std::uint8_t {
    None,         ///< The helper takes fewer arguments.
    Anything,     ///< Any initialised register.
    ConstMapPtr,  ///< A map known at verification.
    MapKey,       ///< key_size readable bytes of that map.
    MapValue,     ///< value_size readable bytes of that map.
    Mem,          ///< Readable memory; its size is the next argument.
    MemOrNull,    ///< The same, or a literal 0.
    UninitMem,    ///< Writable memory that need not be initialised; its size is the next argument.
    ConstSize,    ///< A size with a known maximum, not 0.
    ConstSizeOrZero,  ///< The same, 0 allowed.
    ConstAllocSize,   ///< A size known exactly: that many bytes come back.
    RingRecord,       ///< A reserved ring buffer record; the call gives it back.
    Context,          ///< The program's context pointer, unmodified.
};

/// What R0 holds after the call.
enum class ReturnType : std::uint8_t {
    Integer,
    Void,              ///< R0 is unreadable.
    MapValueOrNull,    ///< Of the map in R1.
    RingRecordOrNull,  ///< A record that must be submitted or discarded.
};

/// Groups of program types that share their set of helpers.
enum class HelperScope : std::uint8_t {
    Everywhere,  ///< Every program type (bpf_base_func_proto).
    Tracing,     ///< kprobe, tracepoint, perf_event, raw_tracepoint and their kin.
};

/// One row. `available` says that verifier and runtime both have it; any other row is refused.
struct HelperProto {
    std::string_view name;  ///< With its prefix: "bpf_map_lookup_elem".
    std::uint32_t id = 0;
    ReturnType ret = ReturnType::Integer;
    HelperScope scope = HelperScope::Everywhere;
    bool gpl_only = false;
    bool available = false;
    std::array<ArgType, 5> args{};
};

/// Number of helper ids that <linux/bpf.h> names, id 0 ("unspec") included.
[[nodiscard]] std::uint32_t helper_count();
/// "bpf_ktime_get_ns"; "unknown" for an id that has no name.
[[nodiscard]] std::string_view helper_name(std::uint32_t id);
/// The row of an id, or null when there is none.
[[nodiscard]] const HelperProto* find_helper(std::uint32_t id);
/// The row, if a program of this type may call it and it is available; else null.
[[nodiscard]] const HelperProto* helper_for(std::uint32_t id, std::uint32_t prog_type);

}  // namespace trapgate::bpf
