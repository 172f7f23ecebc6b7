// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/btf_check.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string>

#include <linux/btf.h>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // BTF_MAX_SIZE
constexpr std::size_t kMaxDepth = 32;                // MAX_RESOLVE_DEPTH
constexpr int kErrnoNotSupported = 524;

struct Sections {
    std::span<const std::byte> types;
    std::span<const std::byte> strings;
};

/// What one kind may look like.
struct Kind {
    const char* name = nullptr;    ///< Null: no such kind.
    std::size_t fixed_bytes = 0;   ///< Behind struct btf_type.
    std::size_t member_bytes = 0;  ///< For each of vlen; 0 means that vlen must be 0.
    bool refers = false;           ///< The size field is a type id.
    bool flag_allowed = false;
    enum class Name : std::uint8_t { None, Optional, Needed, Any } naming = Name::Any;
};

constexpr Kind kind_of(std::uint32_t kind) {
    using Name = Kind::Name;
    switch (kind) {
        case BTF_KIND_INT: return {"INT", 4, 0, false, false, Name::Any};
        case BTF_KIND_PTR: return {"PTR", 0, 0, true, false, Name::None};
        case BTF_KIND_ARRAY: return {"ARRAY", sizeof(btf_array), 0, false, false, Name::None};
        case BTF_KIND_STRUCT: return {"STRUCT", 0, sizeof(btf_member), false, true, Name::Optional};
        case BTF_KIND_UNION: return {"UNION", 0, sizeof(btf_member), false, true, Name::Optional};
        case BTF_KIND_ENUM: return {"ENUM", 0, sizeof(btf_enum), false, true, Name::Optional};
        case BTF_KIND_FWD: return {"FWD", 0, 0, false, true, Name::Needed};
        case BTF_KIND_TYPEDEF: return {"TYPEDEF", 0, 0, true, false, Name::Needed};
        case BTF_KIND_VOLATILE: return {"VOLATILE", 0, 0, true, false, Name::None};
        case BTF_KIND_CONST: return {"CONST", 0, 0, true, false, Name::None};
        case BTF_KIND_RESTRICT: return {"RESTRICT", 0, 0, true, false, Name::None};
        case BTF_KIND_FUNC: return {"FUNC", 0, 0, true, false, Name::Needed};
        case BTF_KIND_FUNC_PROTO:
            return {"FUNC_PROTO", 0, sizeof(btf_param), true, false, Name::None};
        case BTF_KIND_VAR: return {"VAR", sizeof(btf_var), 0, true, false, Name::Needed};
        case BTF_KIND_DATASEC:
            return {"DATASEC", 0, sizeof(btf_var_secinfo), false, false, Name::Any};
        case BTF_KIND_FLOAT: return {"FLOAT", 0, 0, false, false, Name::Any};
        case BTF_KIND_DECL_TAG:
            return {"DECL_TAG", sizeof(btf_decl_tag), 0, true, false, Name::Any};
        case BTF_KIND_TYPE_TAG: return {"TYPE_TAG", 0, 0, true, false, Name::Any};
        case BTF_KIND_ENUM64: return {"ENUM64", 0, sizeof(btf_enum64), false, true, Name::Optional};
        default: return {};
    }
}

std::uint32_t kind(const btf_type& type) { return BTF_INFO_KIND(type.info); }
std::uint32_t vlen(const btf_type& type) { return BTF_INFO_VLEN(type.info); }

template <class T>
std::span<const T> members(const btf_type& type) {
    return {reinterpret_cast<const T*>(&type + 1), vlen(type)};
}
template <class T>
const T& tail(const btf_type& type) {
    return *reinterpret_cast<const T*>(&type + 1);
}

tl::unexpected<Error> bad(std::string what, int linux_errno = EINVAL) {
    return fail(std::move(what), "BTF", {}, linux_errno);
}

Result<Sections> check_header(std::span<const std::byte> bytes) {
    btf_header header{};
    if (bytes.size() > kMaxBytes) {
        return bad("larger than 16 MiB", E2BIG);
    }
    if (bytes.size() < sizeof(header)) {
        return bad("hdr_len not found");
    }
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.hdr_len < sizeof(header) || header.hdr_len % 4 != 0 ||
        header.hdr_len > bytes.size()) {
        return bad("Unsupported header length");
    }
    const auto more = bytes.subspan(sizeof(header), header.hdr_len - sizeof(header));
    if (std::any_of(more.begin(), more.end(), [](std::byte b) { return b != std::byte{0}; })) {
        return bad("Unsupported header fields", E2BIG);
    }
    if (header.magic != BTF_MAGIC) {
        return bad("Invalid magic");
    }
    if (header.version != BTF_VERSION) {
        return bad("Unsupported version", kErrnoNotSupported);
    }
    if (header.flags != 0) {
        return bad("Unsupported flags", kErrnoNotSupported);
    }
    const std::uint64_t data = bytes.size() - header.hdr_len;
    if (data == 0) {
        return bad("No data");
    }
    // The sections follow each other without gap or overlap, types first, and fill the blob.
    if (header.type_off % 4 != 0) {
        return bad("Unaligned type_off");
    }
    if (header.type_off != 0) {
        return bad(header.type_off > data ? "Invalid section offset" : "Unsupported section found");
    }
    if (header.type_len > data || header.str_off > data || header.str_len > data - header.str_off) {
        return bad("Total section length too long");
    }
    if (header.str_off < header.type_len) {
        return bad("Section overlap found");
    }
    if (header.str_off != header.type_len ||
        header.str_off + std::uint64_t{header.str_len} != data) {
        return bad("Unsupported section found");
    }
    const auto body = bytes.subspan(header.hdr_len);
    const Sections sections{body.first(header.type_len),
                            body.subspan(header.str_off, header.str_len)};
    if (sections.strings.empty() || sections.strings.size() - 1 > BTF_MAX_NAME_OFFSET ||
        sections.strings.front() != std::byte{0} || sections.strings.back() != std::byte{0}) {
        return bad("Invalid string section");
    }
    return sections;
}

std::string_view string_at(std::span<const std::byte> strings, std::uint32_t offset) {
    return offset < strings.size()
               ? std::string_view(reinterpret_cast<const char*>(strings.data()) + offset)
               : std::string_view();
}

bool is_identifier(std::string_view name) {
    const auto legal = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    };
    return !name.empty() && name.size() < 512 &&
           std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
           std::all_of(name.begin(), name.end(), legal);
}

/// Splits the type section into types; each lies inside it with all that follows it.
Result<std::vector<const btf_type*>> split_types(std::span<const std::byte> bytes) {
    std::vector<const btf_type*> types;
    while (!bytes.empty()) {
        const std::size_t id = types.size() + 1;
        if (id > BTF_MAX_TYPE) {
            return bad("Too many types", E2BIG);
        }
        if (bytes.size() < sizeof(btf_type)) {
            return bad(fmt::format("[{}] meta_left:{} meta_needed:{}", id, bytes.size(),
                                   sizeof(btf_type)));
        }
        const auto* type = reinterpret_cast<const btf_type*>(bytes.data());
        const Kind rules = kind_of(kind(*type));
        if (rules.name == nullptr) {
            return bad(fmt::format("[{}] Invalid kind:{}", id, kind(*type)));
        }
        if ((type->info & ~0x9f00ffffU) != 0) {
            return bad(fmt::format("[{}] Invalid btf_info:{:x}", id, type->info));
        }
        const std::size_t size = sizeof(btf_type) + rules.fixed_bytes +
                                 rules.member_bytes * vlen(*type);
        if (size > bytes.size()) {
            return bad(fmt::format("[{}] meta_left:{} meta_needed:{}", id, bytes.size(), size));
        }
        types.push_back(type);
        bytes = bytes.subspan(size);
    }
    return types;
}

class Checker {
public:
    Checker(std::span<const std::byte> strings, std::vector<const btf_type*> types)
        : strings_(strings), types_(std::move(types)), colour_(types_.size() + 1, Colour::White) {}

    Result<void> run() {
        for (std::uint32_t id = 1; id <= types_.size(); ++id) {
            if (auto checked = check_meta(id); !checked) {
                return checked;
            }
        }
        for (std::uint32_t id = 1; id <= types_.size(); ++id) {
            if (auto checked = check_depth(id, 1); !checked) {
                return checked;
            }
        }
        return {};
    }

private:
    enum class Colour : std::uint8_t { White, Grey, Black };

    tl::unexpected<Error> bad_type(std::uint32_t id, std::string_view why,
                                   int linux_errno = EINVAL) const {
        return bad(fmt::format("[{}] {} {}", id, kind_of(kind(*types_[id - 1])).name, why),
                   linux_errno);
    }
    [[nodiscard]] bool exists(std::uint32_t id) const { return id <= types_.size(); }
    [[nodiscard]] bool name_exists(std::uint32_t offset) const { return offset < strings_.size(); }

    Result<void> check_name(std::uint32_t id, const btf_type& type, Kind::Name naming) const {
        if (!name_exists(type.name_off)) {
            return bad_type(id, "Invalid name_offset");
        }
        const std::string_view name = string_at(strings_, type.name_off);
        const bool fits = (naming == Kind::Name::Any) ||
                          (naming == Kind::Name::None && name.empty()) ||
                          (naming == Kind::Name::Optional &&
                           (name.empty() || is_identifier(name))) ||
                          (naming == Kind::Name::Needed && is_identifier(name));
        return fits ? Result<void>{} : bad_type(id, "Invalid name");
    }

    Result<void> check_meta(std::uint32_t id) const {
        const btf_type& type = *types_[id - 1];
        const Kind rules = kind_of(kind(type));
        if (auto named = check_name(id, type, rules.naming); !named) {
            return named;
        }
        const bool is_func = kind(type) == BTF_KIND_FUNC;  // Its vlen is the linkage.
        if (rules.member_bytes == 0 &&
            vlen(type) > (is_func ? std::uint32_t{BTF_FUNC_EXTERN} : 0)) {
            return bad_type(id, "vlen != 0");
        }
        if (!rules.flag_allowed && BTF_INFO_KFLAG(type.info) != 0) {
            return bad_type(id, "Invalid btf_info kind_flag");
        }
        if (rules.refers && !exists(type.type)) {
            return bad_type(id, "Invalid type_id");
        }
        switch (kind(type)) {
            case BTF_KIND_INT: return check_int(id, type);
            case BTF_KIND_ARRAY: return check_array(id, type);
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION: return check_struct(id, type);
            case BTF_KIND_ENUM:
            case BTF_KIND_ENUM64: return check_enum(id, type);
            case BTF_KIND_FUNC_PROTO: return check_params(id, type);
            case BTF_KIND_FUNC: return check_func(id, type);
            case BTF_KIND_DATASEC: return check_datasec(id, type);
            default: return {};
        }
    }

    Result<void> check_int(std::uint32_t id, const btf_type& type) const {
        const auto data = tail<std::uint32_t>(type);
        const std::uint32_t bits = BTF_INT_BITS(data) + BTF_INT_OFFSET(data);
        if ((data & ~0x0fff00ffU) != 0 || bits > 128 || bits > std::uint64_t{type.size} * 8 ||
            type.size > 16) {
            return bad_type(id, "Invalid int_data");
        }
        return {};
    }
    Result<void> check_array(std::uint32_t id, const btf_type& type) const {
        const auto& array = tail<btf_array>(type);
        if (type.size != 0 || array.type == 0 || !exists(array.type) || array.index_type == 0 ||
            !exists(array.index_type)) {
            return bad_type(id, "Invalid elem or index");
        }
        return {};
    }
    Result<void> check_struct(std::uint32_t id, const btf_type& type) const {
        const bool bitfields = BTF_INFO_KFLAG(type.info) != 0;
        for (const btf_member& member : members<btf_member>(type)) {
            const std::uint32_t offset = bitfields ? BTF_MEMBER_BIT_OFFSET(member.offset)
                                                   : member.offset;
            if (!name_exists(member.name_off) || member.type == 0 || !exists(member.type) ||
                offset / 8 > type.size) {
                return bad_type(id, "Invalid member");
            }
        }
        return {};
    }
    Result<void> check_enum(std::uint32_t id, const btf_type& type) const {
        if (type.size > 8 || (type.size & (type.size - 1)) != 0 || type.size == 0) {
            return bad_type(id, "Unexpected size");
        }
        const bool wide = kind(type) == BTF_KIND_ENUM64;
        for (std::uint32_t i = 0; i < vlen(type); ++i) {
            const std::uint32_t name = wide ? members<btf_enum64>(type)[i].name_off
                                            : members<btf_enum>(type)[i].name_off;
            if (!is_identifier(string_at(strings_, name))) {
                return bad_type(id, "Invalid name of an enumerator");
            }
        }
        return {};
    }
    Result<void> check_params(std::uint32_t id, const btf_type& type) const {
        for (const btf_param& param : members<btf_param>(type)) {
            if (!exists(param.type) || !name_exists(param.name_off)) {
                return bad_type(id, "Invalid arg");
            }
        }
        return {};
    }
    Result<void> check_func(std::uint32_t id, const btf_type& type) const {
        if (type.type == 0 || kind(*types_[type.type - 1]) != BTF_KIND_FUNC_PROTO) {
            return bad_type(id, "Invalid type_id");
        }
        return {};
    }
    Result<void> check_datasec(std::uint32_t id, const btf_type& type) const {
        std::uint64_t end = 0;
        for (const btf_var_secinfo& var : members<btf_var_secinfo>(type)) {
            if (var.type == 0 || !exists(var.type) || var.offset < end ||
                std::uint64_t{var.offset} + var.size > type.size) {
                return bad_type(id, "Invalid offset or type of a variable");
            }
            end = std::uint64_t{var.offset} + var.size;
        }
        return {};
    }

    /// Follows what a value of the type contains or stands for; pointers and functions end the way.
    Result<void> check_depth(std::uint32_t id, std::size_t depth) {
        if (id == 0 || colour_[id] == Colour::Black) {
            return {};
        }
        if (colour_[id] == Colour::Grey) {
            return bad_type(id, "Loop detected", EEXIST);
        }
        if (depth > kMaxDepth) {
            return bad_type(id, "Exceeded max resolving depth", E2BIG);
        }
        colour_[id] = Colour::Grey;
        const btf_type& type = *types_[id - 1];
        std::vector<std::uint32_t> inside;
        switch (kind(type)) {
            case BTF_KIND_TYPEDEF:
            case BTF_KIND_CONST:
            case BTF_KIND_VOLATILE:
            case BTF_KIND_RESTRICT:
            case BTF_KIND_TYPE_TAG:
            case BTF_KIND_VAR: inside = {type.type}; break;
            case BTF_KIND_ARRAY:
                inside = {tail<btf_array>(type).type, tail<btf_array>(type).index_type};
                break;
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION:
                for (const btf_member& member : members<btf_member>(type)) {
                    inside.push_back(member.type);
                }
                break;
            default: break;
        }
        for (const std::uint32_t next : inside) {
            if (auto checked = check_depth(next, depth + 1); !checked) {
                return checked;
            }
        }
        colour_[id] = Colour::Black;
        return {};
    }

    std::span<const std::byte> strings_;
    std::vector<const btf_type*> types_;
    std::vector<Colour> colour_;
};

}  // namespace

Result<void> check_btf(std::span<const std::byte> bytes) {
    const auto sections = check_header(bytes);
    if (!sections) {
        return tl::unexpected(sections.error());
    }
    auto types = split_types(sections->types);
    if (!types) {
        return tl::unexpected(types.error());
    }
    return Checker(sections->strings, std::move(*types)).run();
}

BtfTypes::BtfTypes(std::span<const std::byte> bytes) {
    if (const auto sections = check_header(bytes)) {
        strings_ = sections->strings;
        types_ = split_types(sections->types).value_or(std::vector<const btf_type*>{});
    }
}

const btf_type* BtfTypes::type(std::uint32_t id) const {
    return id == 0 || id > types_.size() ? nullptr : types_[id - 1];
}

const btf_type* BtfTypes::resolved(std::uint32_t id) const {
    for (std::size_t depth = 0; depth <= kMaxDepth; ++depth) {
        const btf_type* at = type(id);
        if (at == nullptr) {
            return nullptr;
        }
        switch (kind(*at)) {
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

std::string_view BtfTypes::string(std::uint32_t offset) const {
    return string_at(strings_, offset);
}

std::optional<std::uint32_t> BtfTypes::size_of(std::uint32_t id) const {
    std::uint64_t factor = 1;
    for (std::size_t depth = 0; depth <= kMaxDepth; ++depth) {
        const btf_type* at = type(id);
        if (at == nullptr) {
            return std::nullopt;
        }
        switch (kind(*at)) {
            case BTF_KIND_TYPEDEF:
            case BTF_KIND_CONST:
            case BTF_KIND_VOLATILE:
            case BTF_KIND_RESTRICT:
            case BTF_KIND_TYPE_TAG:
            case BTF_KIND_VAR: id = at->type; continue;
            case BTF_KIND_ARRAY:
                factor *= tail<btf_array>(*at).nelems;
                id = tail<btf_array>(*at).type;
                break;
            case BTF_KIND_PTR:
                factor *= 8;
                id = 0;
                break;
            case BTF_KIND_INT:
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION:
            case BTF_KIND_ENUM:
            case BTF_KIND_ENUM64:
            case BTF_KIND_FLOAT:
            case BTF_KIND_DATASEC:
                factor *= at->size;
                id = 0;
                break;
            default: return std::nullopt;
        }
        if (factor > UINT32_MAX) {
            return std::nullopt;
        }
        if (id == 0) {
            return static_cast<std::uint32_t>(factor);
        }
    }
    return std::nullopt;
}

}  // namespace trapgate::kernel
