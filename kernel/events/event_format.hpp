// SPDX-License-Identifier: GPL-2.0-only
// The fields of an event's records, and its file events/GROUP/EVENT/format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/events/definition.hpp"

namespace trapgate::kernel {

struct EventField {
    enum class Kind : std::uint8_t {
        Number,  ///< Of `size` 1, 2, 4 or 8, or an array, which nothing compares with.
        String,  ///< A data_loc.
        Cpu,     ///< Not in the record: the CPU of the hit.
        Comm,    ///< Not in the record: the task's name.
    };
    std::string type;  ///< "unsigned long", "u32", "__data_loc char[]"
    std::string name;
    std::size_t offset = 0;
    std::size_t size = 0;
    bool is_signed = false;
    Kind kind = Kind::Number;
};

/// Those of the record, in the order of the record: the first four are common to all events.
[[nodiscard]] std::vector<EventField> event_fields(const ProbeDefinition& definition);
inline constexpr std::size_t kCommonFields = 4;

/// What a filter may name: the event's own fields, then CPU and COMM, then the common ones.
[[nodiscard]] std::vector<EventField> filter_fields(const ProbeDefinition& definition);

/// The text behind "print fmt: ".
[[nodiscard]] std::string print_format(const ProbeDefinition& definition);

/// The whole file, as Linux prints it. An array's field is "u8 name[]": its size says how many.
[[nodiscard]] std::string format_text(const ProbeDefinition& definition, unsigned id);

}  // namespace trapgate::kernel
