// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/btf_format.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace trapgate::kernel::btf {
namespace {

constexpr int kErrnoNotSupported = 524;

}  // namespace

KindRules rules_of(std::uint32_t kind) {
    switch (kind) {
        case BTF_KIND_INT: return {"INT", 4, 0, false, false, Naming::Any};
        case BTF_KIND_PTR: return {"PTR", 0, 0, true, false, Naming::None};
        case BTF_KIND_ARRAY: return {"ARRAY", sizeof(btf_array), 0, false, false, Naming::None};
        case BTF_KIND_STRUCT:
            return {"STRUCT", 0, sizeof(btf_member), false, true, Naming::Optional};
        case BTF_KIND_UNION: return {"UNION", 0, sizeof(btf_member), false, true, Naming::Optional};
        case BTF_KIND_ENUM: return {"ENUM", 0, sizeof(btf_enum), false, true, Naming::Optional};
        case BTF_KIND_FWD: return {"FWD", 0, 0, false, true, Naming::Needed};
        case BTF_KIND_TYPEDEF: return {"TYPEDEF", 0, 0, true, false, Naming::Needed};
        case BTF_KIND_VOLATILE: return {"VOLATILE", 0, 0, true, false, Naming::None};
        case BTF_KIND_CONST: return {"CONST", 0, 0, true, false, Naming::None};
        case BTF_KIND_RESTRICT: return {"RESTRICT", 0, 0, true, false, Naming::None};
        case BTF_KIND_FUNC: return {"FUNC", 0, 0, true, false, Naming::Needed};
        case BTF_KIND_FUNC_PROTO:
            return {"FUNC_PROTO", 0, sizeof(btf_param), true, false, Naming::None};
        case BTF_KIND_VAR: return {"VAR", sizeof(btf_var), 0, true, false, Naming::Needed};
        case BTF_KIND_DATASEC:
            return {"DATASEC", 0, sizeof(btf_var_secinfo), false, false, Naming::Section};
        case BTF_KIND_FLOAT: return {"FLOAT", 0, 0, false, false, Naming::Any};
        case BTF_KIND_DECL_TAG:
            return {"DECL_TAG", sizeof(btf_decl_tag), 0, true, false, Naming::Value};
        case BTF_KIND_TYPE_TAG: return {"TYPE_TAG", 0, 0, true, false, Naming::Value};
        case BTF_KIND_ENUM64:
            return {"ENUM64", 0, sizeof(btf_enum64), false, true, Naming::Optional};
        default: return {};
    }
}

std::string_view string_at(std::span<const std::byte> strings, std::uint32_t offset) {
    // The section ends with a NUL, so the length is safe to take.
    return offset < strings.size()
               ? std::string_view(reinterpret_cast<const char*>(strings.data()) + offset)
               : std::string_view();
}

tl::unexpected<Error> refuse(std::string what, int linux_errno) {
    return fail(std::move(what), "BTF", {}, linux_errno);
}

tl::unexpected<Error> Blob::refuse_type(std::uint32_t id, std::string_view why,
                                        int linux_errno) const {
    const btf_type& bad = *types[id - 1];
    return refuse(fmt::format("[{}] {} {} {}", id, rules_of(kind_of(bad)).name,
                              string_at(strings, bad.name_off), why),
                  linux_errno);
}

Result<Sections> read_header(std::span<const std::byte> bytes) {
    btf_header header{};
    if (bytes.size() > kMaxBytes) {
        return refuse("larger than 16 MiB", E2BIG);
    }
    if (bytes.size() < sizeof(header)) {
        return refuse("hdr_len not found");
    }
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.hdr_len < sizeof(header) || header.hdr_len % 4 != 0 ||
        header.hdr_len > bytes.size()) {
        return refuse("Unsupported header length");
    }
    const auto more = bytes.subspan(sizeof(header), header.hdr_len - sizeof(header));
    if (std::any_of(more.begin(), more.end(), [](std::byte b) { return b != std::byte{0}; })) {
        return refuse("Unsupported header fields", E2BIG);
    }
    if (header.magic != BTF_MAGIC) {
        return refuse("Invalid magic");
    }
    if (header.version != BTF_VERSION) {
        return refuse("Unsupported version", kErrnoNotSupported);
    }
    if (header.flags != 0) {
        return refuse("Unsupported flags", kErrnoNotSupported);
    }
    const std::uint64_t data = bytes.size() - header.hdr_len;
    if (data == 0) {
        return refuse("No data");
    }
    // The sections follow each other without gap or overlap, types first, and fill the blob.
    if (header.type_off != 0 || header.type_len > data || header.str_off != header.type_len ||
        header.str_off + std::uint64_t{header.str_len} != data) {
        return refuse("Unsupported section found");
    }
    const auto body = bytes.subspan(header.hdr_len);
    const Sections sections{body.first(header.type_len),
                            body.subspan(header.str_off, header.str_len)};
    if (sections.strings.empty() || sections.strings.size() - 1 > BTF_MAX_NAME_OFFSET ||
        sections.strings.front() != std::byte{0} || sections.strings.back() != std::byte{0}) {
        return refuse("Invalid string section");
    }
    return sections;
}

Result<std::vector<const btf_type*>> split_types(std::span<const std::byte> bytes) {
    std::vector<const btf_type*> types;
    while (!bytes.empty()) {
        const std::size_t id = types.size() + 1;
        if (id > BTF_MAX_TYPE) {
            return refuse("Too many types", E2BIG);
        }
        const auto too_short = [&](std::size_t needed) {
            return refuse(
                fmt::format("[{}] meta_left:{} meta_needed:{}", id, bytes.size(), needed));
        };
        if (bytes.size() < sizeof(btf_type)) {
            return too_short(sizeof(btf_type));
        }
        const auto* type = reinterpret_cast<const btf_type*>(bytes.data());
        const KindRules rules = rules_of(kind_of(*type));
        if (rules.name == nullptr) {
            return refuse(fmt::format("[{}] Invalid kind:{}", id, kind_of(*type)));
        }
        if ((type->info & ~0x9f00ffffU) != 0) {
            return refuse(fmt::format("[{}] Invalid btf_info:{:x}", id, type->info));
        }
        const std::size_t size = sizeof(btf_type) + rules.fixed_bytes +
                                 rules.member_bytes * vlen_of(*type);
        if (size > bytes.size()) {
            return too_short(size);
        }
        types.push_back(type);
        bytes = bytes.subspan(size);
    }
    return types;
}

const btf_type* skip_names(const Blob& blob, std::uint32_t id) {
    for (std::size_t depth = 0; depth <= kMaxDepth; ++depth) {
        const btf_type* at = blob.type(id);
        if (at == nullptr) {
            return nullptr;
        }
        switch (kind_of(*at)) {
            case BTF_KIND_TYPEDEF:
            case BTF_KIND_CONST:
            case BTF_KIND_VOLATILE:
            case BTF_KIND_RESTRICT:
            case BTF_KIND_TYPE_TAG: id = at->type; break;
            default: return at;
        }
    }
    return nullptr;
}

std::optional<Sized> sized(const Blob& blob, std::uint32_t id) {
    std::uint64_t factor = 1;
    const btf_type* outer = nullptr;
    for (std::size_t depth = 0; depth <= kMaxDepth; ++depth) {
        const btf_type* at = skip_names(blob, id);
        if (at == nullptr) {
            return std::nullopt;
        }
        std::uint64_t bytes = 0;
        switch (kind_of(*at)) {
            case BTF_KIND_VAR: id = at->type; continue;
            case BTF_KIND_ARRAY:
                outer = outer == nullptr ? at : outer;
                factor *= tail<btf_array>(*at).nelems;
                id = tail<btf_array>(*at).type;
                if (factor > UINT32_MAX) {
                    return std::nullopt;
                }
                continue;
            case BTF_KIND_PTR: bytes = 8; break;
            case BTF_KIND_INT:
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION:
            case BTF_KIND_ENUM:
            case BTF_KIND_ENUM64:
            case BTF_KIND_FLOAT:
            case BTF_KIND_DATASEC: bytes = at->size; break;
            default: return std::nullopt;
        }
        if (factor * bytes > UINT32_MAX) {
            return std::nullopt;
        }
        return Sized{outer == nullptr ? at : outer, static_cast<std::uint32_t>(factor * bytes)};
    }
    return std::nullopt;
}

}  // namespace trapgate::kernel::btf
