// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/btf_members.hpp"

#include <cstring>

#include <linux/btf.h>

namespace trapgate::bpf {
namespace {

template <class T>
std::optional<T> load(std::span<const std::byte> from, std::size_t offset) {
    if (offset > from.size() || sizeof(T) > from.size() - offset) {
        return std::nullopt;
    }
    T value;
    std::memcpy(&value, from.data() + offset, sizeof value);
    return value;
}

std::span<const std::byte> part(std::span<const std::byte> from, std::size_t offset,
                                std::size_t bytes) {
    const bool inside = offset <= from.size() && bytes <= from.size() - offset;
    return inside ? from.subspan(offset, bytes) : std::span<const std::byte>{};
}

/// Bytes behind struct btf_type; nothing for a kind that this code does not know.
std::optional<std::size_t> trailer_bytes(const btf_type& type) {
    constexpr std::uint32_t kKindEnum64 = 19;  // newer than some <linux/btf.h>
    const std::size_t count = BTF_INFO_VLEN(type.info);
    switch (BTF_INFO_KIND(type.info)) {
        case BTF_KIND_INT:
        case BTF_KIND_VAR:
        case BTF_KIND_DECL_TAG: return sizeof(std::uint32_t);
        case BTF_KIND_ARRAY: return sizeof(btf_array);
        case BTF_KIND_STRUCT:
        case BTF_KIND_UNION: return count * sizeof(btf_member);
        case BTF_KIND_ENUM: return count * sizeof(btf_enum);
        case BTF_KIND_FUNC_PROTO: return count * sizeof(btf_param);
        case BTF_KIND_DATASEC: return count * sizeof(btf_var_secinfo);
        case kKindEnum64: return count * 3 * sizeof(std::uint32_t);
        case BTF_KIND_PTR:
        case BTF_KIND_FWD:
        case BTF_KIND_TYPEDEF:
        case BTF_KIND_VOLATILE:
        case BTF_KIND_CONST:
        case BTF_KIND_RESTRICT:
        case BTF_KIND_FUNC:
        case BTF_KIND_FLOAT:
        case BTF_KIND_TYPE_TAG: return 0;
        default: return std::nullopt;
    }
}

bool is_composite(const btf_type& type) {
    const std::uint32_t kind = BTF_INFO_KIND(type.info);
    return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

}  // namespace

BtfMembers::BtfMembers(std::span<const std::byte> btf) {
    const auto header = load<btf_header>(btf, 0);
    if (!header || header->magic != BTF_MAGIC) {
        return;
    }
    types_ = part(btf, std::size_t{header->hdr_len} + header->type_off, header->type_len);
    strings_ = part(btf, std::size_t{header->hdr_len} + header->str_off, header->str_len);
    type_at_.push_back(0);
    std::size_t at = 0;
    while (const auto type = load<btf_type>(types_, at)) {
        const std::optional<std::size_t> trailer = trailer_bytes(*type);
        if (!trailer) {
            break;
        }
        type_at_.push_back(static_cast<std::uint32_t>(at));
        at += sizeof(btf_type) + *trailer;
    }
}

std::string_view BtfMembers::name_at(std::uint32_t offset) const {
    const std::span<const std::byte> from = offset < strings_.size() ? strings_.subspan(offset)
                                                                     : std::span<const std::byte>{};
    const auto* text = reinterpret_cast<const char*>(from.data());
    return from.empty() ? std::string_view{} : std::string_view(text, ::strnlen(text, from.size()));
}

std::optional<std::uint32_t> BtfMembers::member_of(std::uint32_t type_id, std::string_view member,
                                                   unsigned depth) const {
    constexpr unsigned kMaxDepth = 16;
    if (type_id == 0 || type_id >= type_at_.size() || depth > kMaxDepth) {
        return std::nullopt;
    }
    const std::size_t at = type_at_[type_id];
    const auto type = load<btf_type>(types_, at);
    if (!type || !is_composite(*type)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < BTF_INFO_VLEN(type->info); ++i) {
        const auto entry = load<btf_member>(types_, at + sizeof(btf_type) + i * sizeof(btf_member));
        if (!entry) {
            return std::nullopt;
        }
        const bool has_bitfields = BTF_INFO_KFLAG(type->info) != 0;
        const std::uint32_t bits = has_bitfields ? BTF_MEMBER_BIT_OFFSET(entry->offset)
                                                 : entry->offset;
        const std::string_view name = name_at(entry->name_off);
        if (name == member) {
            return bits / 8;
        }
        if (name.empty()) {
            if (const auto inner = member_of(entry->type, member, depth + 1)) {
                return bits / 8 + *inner;
            }
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> BtfMembers::offset_of(std::string_view structure,
                                                   std::string_view member) const {
    for (std::uint32_t id = 1; id < type_at_.size(); ++id) {
        const auto type = load<btf_type>(types_, type_at_[id]);
        if (type && BTF_INFO_KIND(type->info) == BTF_KIND_STRUCT &&
            name_at(type->name_off) == structure) {
            if (const auto offset = member_of(id, member, 0)) {
                return offset;
            }
        }
    }
    return std::nullopt;
}

}  // namespace trapgate::bpf
