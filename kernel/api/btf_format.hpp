// SPDX-License-Identifier: GPL-2.0-only
// BTF's bytes as btf_check and BtfTypes walk over them. Only those include this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <linux/btf.h>

#include "base/result.hpp"

namespace trapgate::kernel::btf {

inline constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  ///< BTF_MAX_SIZE
inline constexpr std::size_t kMaxDepth = 32;                ///< MAX_RESOLVE_DEPTH

struct Sections {
    std::span<const std::byte> types;
    std::span<const std::byte> strings;
};

/// What Linux wants of a type's own name.
enum class Naming : std::uint8_t {
    Any,       ///< Not looked at.
    None,      ///< Offset 0.
    Optional,  ///< Offset 0 or an identifier.
    Needed,    ///< An identifier.
    Section,   ///< As a section is called.
    Value,     ///< A tag's text, not empty.
};

/// What one kind may look like.
struct KindRules {
    const char* name = nullptr;    ///< Null: no such kind.
    std::size_t fixed_bytes = 0;   ///< Behind struct btf_type.
    std::size_t member_bytes = 0;  ///< For each of vlen; 0 means that vlen must be 0.
    bool refers = false;           ///< The size field is a type id.
    bool flag_allowed = false;
    Naming naming = Naming::Any;
};
[[nodiscard]] KindRules rules_of(std::uint32_t kind);

[[nodiscard]] inline std::uint32_t kind_of(const btf_type& type) {
    return BTF_INFO_KIND(type.info);
}
[[nodiscard]] inline std::uint32_t vlen_of(const btf_type& type) {
    return BTF_INFO_VLEN(type.info);
}
[[nodiscard]] inline bool flag_of(const btf_type& type) { return BTF_INFO_KFLAG(type.info) != 0; }

/// What follows a type: vlen members, or one fixed part. split_types has made sure that it is
/// there.
template <class T>
[[nodiscard]] std::span<const T> members(const btf_type& type) {
    return {reinterpret_cast<const T*>(&type + 1), vlen_of(type)};
}
template <class T>
[[nodiscard]] const T& tail(const btf_type& type) {
    return *reinterpret_cast<const T*>(&type + 1);
}

/// "" for an offset outside.
[[nodiscard]] std::string_view string_at(std::span<const std::byte> strings, std::uint32_t offset);

/// The header's rules; the two sections.
[[nodiscard]] Result<Sections> read_header(std::span<const std::byte> bytes);
/// Type 1 at index 0, and so on; each lies inside the section with all that follows it.
[[nodiscard]] Result<std::vector<const btf_type*>> split_types(std::span<const std::byte> bytes);

/// Refuses with `what` as the log's line.
[[nodiscard]] tl::unexpected<Error> refuse(std::string what, int linux_errno = EINVAL);

/// A whole blob, as the checks of single types and of their connections see it.
struct Blob {
    std::span<const std::byte> strings;
    std::vector<const btf_type*> types;

    /// Null for void and for ids that do not exist.
    [[nodiscard]] const btf_type* type(std::uint32_t id) const {
        return id == 0 || id > types.size() ? nullptr : types[id - 1];
    }
    [[nodiscard]] bool exists(std::uint32_t id) const { return id <= types.size(); }
    [[nodiscard]] tl::unexpected<Error> refuse_type(std::uint32_t id, std::string_view why,
                                                    int linux_errno = EINVAL) const;
};

/// btf_check_meta: what can be said of each type alone.
[[nodiscard]] Result<void> check_metas(const Blob& blob);
/// btf_check_all_types: what types refer to and contain; loops.
[[nodiscard]] Result<void> check_references(const Blob& blob);

/// Sizes as btf_type_id_size gives them: through typedefs, qualifiers and variables; nothing for
/// types without one.
[[nodiscard]] const btf_type* skip_names(const Blob& blob, std::uint32_t id);
struct Sized {
    const btf_type* type;
    std::uint32_t bytes;
};
[[nodiscard]] std::optional<Sized> sized(const Blob& blob, std::uint32_t id);

}  // namespace trapgate::kernel::btf
