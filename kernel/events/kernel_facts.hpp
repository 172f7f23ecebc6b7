// SPDX-License-Identifier: GPL-2.0-only
// What a definition's parser asks of the kernel: symbols, and types from BTF. Narrow, so that it
// can be tested without a guest; kernel/events/machine_facts.hpp is the real one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trapgate::kernel {

/// A type by BTF, with typedefs and qualifiers taken off.
struct BtfType {
    enum class Kind : std::uint8_t { Integer, Enum, Enum64, Pointer, Structure, Array, Other };
    Kind kind = Kind::Other;
    std::uint32_t id = 0;
    std::uint32_t target = 0;  ///< What a pointer points at, or an array is of; 0 is void.
    std::uint32_t bits = 0;    ///< Of an integer.
    bool is_signed = false;
};

struct BtfMember {
    std::uint32_t bit_offset = 0;     ///< From the structure's start, unnamed ones inside included.
    std::uint32_t bitfield_bits = 0;  ///< 0: not a bitfield.
    std::uint32_t type = 0;
};

struct BtfFunction {
    struct Parameter {
        std::string name;
        std::uint32_t type = 0;
    };
    std::uint32_t result = 0;  ///< Type id; 0 is void.
    std::vector<Parameter> parameters;
};

class KernelFacts {
public:
    virtual ~KernelFacts() = default;

    /// How many symbols have that name.
    [[nodiscard]] virtual unsigned symbols_named(std::string_view name) const = 0;
    /// Where a symbol lies; the first of several.
    [[nodiscard]] virtual std::optional<std::uint64_t> address_of(std::string_view name) const = 0;
    /// "did you mean vfs_open?", or nothing.
    [[nodiscard]] virtual std::string near_symbols(std::string_view name) const = 0;

    // BTF. Ids that do not exist give no answer.
    [[nodiscard]] virtual std::optional<BtfFunction> function(std::string_view name) const = 0;
    [[nodiscard]] virtual std::optional<BtfType> type(std::uint32_t id) const = 0;
    [[nodiscard]] virtual std::optional<BtfMember> member(std::uint32_t structure,
                                                          std::string_view name) const = 0;
    [[nodiscard]] virtual std::vector<std::string> member_names(std::uint32_t structure) const = 0;
};

}  // namespace trapgate::kernel
