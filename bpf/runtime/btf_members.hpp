// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace trapgate::bpf {

/// Finds members of structures in BTF (Documentation/bpf/btf.rst). Does not copy: the bytes must
/// outlive it. Bad bytes give no answers.
class BtfMembers {
public:
    explicit BtfMembers(std::span<const std::byte> btf);

    /// Byte offset of a member of `struct structure`, members of its unnamed structures and unions
    /// included.
    [[nodiscard]] std::optional<std::uint32_t> offset_of(std::string_view structure,
                                                         std::string_view member) const;

private:
    [[nodiscard]] std::string_view name_at(std::uint32_t offset) const;
    [[nodiscard]] std::optional<std::uint32_t> member_of(std::uint32_t type,
                                                         std::string_view member,
                                                         unsigned depth) const;

    std::span<const std::byte> strings_;
    std::span<const std::byte> types_;
    std::vector<std::uint32_t> type_at_;  ///< Offset in types_ by type id; id 0 is void.
};

}  // namespace trapgate::bpf
