// SPDX-License-Identifier: GPL-2.0-only
// What Linux checks of types together (btf_check_all_types and the resolve and check_member
// functions of kernel/bpf/btf.c): what may refer to what, what lies inside what, and that nothing
// contains itself.
#include <algorithm>
#include <cerrno>
#include <optional>

#include "kernel/api/btf_format.hpp"

namespace trapgate::kernel::btf {
namespace {

/// Types that only stand for themselves; nothing may refer to them as to a type.
bool is_declaration(const btf_type* type) {
    const std::uint32_t kind = type == nullptr ? 0 : kind_of(*type);
    return kind == BTF_KIND_VAR || kind == BTF_KIND_DATASEC || kind == BTF_KIND_DECL_TAG;
}

/// An integer of whole bytes, a power of two of them, at offset 0 (btf_type_int_is_regular).
bool is_regular_int(const btf_type* type) {
    if (type == nullptr || kind_of(*type) != BTF_KIND_INT) {
        return false;
    }
    const auto data = tail<std::uint32_t>(*type);
    const std::uint32_t bits = BTF_INT_BITS(data);
    const std::uint32_t bytes = bits / 8;
    return BTF_INT_OFFSET(data) == 0 && bits % 8 == 0 && bytes == type->size &&
           (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16);
}

class ReferenceCheck {
public:
    explicit ReferenceCheck(const Blob& blob)
        : blob_(blob), colour_(blob.types.size() + 1, Colour::White) {}

    Result<void> run() {
        for (std::uint32_t id = 1; id <= blob_.types.size(); ++id) {
            if (auto walked = walk(id, 1); !walked) {
                return walked;
            }
        }
        for (std::uint32_t id = 1; id <= blob_.types.size(); ++id) {
            if (auto checked = check(id); !checked) {
                return checked;
            }
        }
        return {};
    }

private:
    enum class Colour : std::uint8_t { White, Grey, Black };

    /// Follows what a value of the type contains or stands for; pointers and functions end the way.
    Result<void> walk(std::uint32_t id, std::size_t depth) {
        if (id == 0 || colour_[id] == Colour::Black) {
            return {};
        }
        if (colour_[id] == Colour::Grey) {
            return blob_.refuse_type(id, "Loop detected", EEXIST);
        }
        if (depth > kMaxDepth) {
            return blob_.refuse_type(id, "Exceeded max resolving depth", E2BIG);
        }
        colour_[id] = Colour::Grey;
        const btf_type& type = *blob_.type(id);
        std::vector<std::uint32_t> inside;
        switch (kind_of(type)) {
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
            if (auto walked = walk(next, depth + 1); !walked) {
                return walked;
            }
        }
        colour_[id] = Colour::Black;
        return {};
    }

    [[nodiscard]] Result<void> check(std::uint32_t id) const {
        const btf_type& type = *blob_.type(id);
        switch (kind_of(type)) {
            case BTF_KIND_PTR:
            case BTF_KIND_TYPEDEF:
            case BTF_KIND_CONST:
            case BTF_KIND_VOLATILE:
            case BTF_KIND_RESTRICT:
            case BTF_KIND_TYPE_TAG: return verdict(id, may_be_named(type.type), "Invalid type_id");
            case BTF_KIND_VAR: return verdict(id, is_value(type.type), "Invalid type_id");
            case BTF_KIND_ARRAY:
                return verdict(id, array_fits(tail<btf_array>(type)), "Invalid elem or index");
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION: {
                const auto all = members<btf_member>(type);
                const bool fit = std::all_of(all.begin(), all.end(), [&](const btf_member& member) {
                    return member_fits(type, member);
                });
                return verdict(id, fit, "Invalid member");
            }
            case BTF_KIND_FUNC_PROTO:
                return verdict(id, prototype_fits(type), "Invalid return type or arg");
            case BTF_KIND_FUNC: return verdict(id, function_fits(type), "Invalid type_id or arg");
            case BTF_KIND_DATASEC: return verdict(id, section_fits(type), "Invalid variable");
            case BTF_KIND_DECL_TAG:
                return verdict(id, tag_fits(type), "Invalid type_id or component_idx");
            default: return {};
        }
    }
    [[nodiscard]] Result<void> verdict(std::uint32_t id, bool good, std::string_view why) const {
        return good ? Result<void>{} : blob_.refuse_type(id, why);
    }

    /// A type of which there can be values.
    [[nodiscard]] bool is_value(std::uint32_t id) const {
        return !is_declaration(blob_.type(id)) && sized(blob_, id).has_value();
    }
    /// What pointers, typedefs and qualifiers may stand for: values, void, forward declarations,
    /// prototypes.
    [[nodiscard]] bool may_be_named(std::uint32_t id) const {
        const btf_type* type = blob_.type(id);
        if (type == nullptr) {
            return true;
        }
        const btf_type* end = skip_names(blob_, id);
        const std::uint32_t kind = end == nullptr ? 0 : kind_of(*end);
        const bool sizeless = end == nullptr || kind == BTF_KIND_FWD || kind == BTF_KIND_FUNC_PROTO;
        return !is_declaration(type) && (sizeless || is_value(id));
    }
    [[nodiscard]] bool array_fits(const btf_array& array) const {
        const btf_type* element = skip_names(blob_, array.type);
        const bool whole_ints = element == nullptr || kind_of(*element) != BTF_KIND_INT ||
                                is_regular_int(element);
        const auto size = sized(blob_, array.type);
        return is_regular_int(skip_names(blob_, array.index_type)) && is_value(array.type) &&
               whole_ints && (array.nelems == 0 || size->bytes <= UINT32_MAX / array.nelems);
    }
    [[nodiscard]] bool member_fits(const btf_type& owner, const btf_member& member) const {
        const auto inner = sized(blob_, member.type);
        if (!inner || is_declaration(blob_.type(member.type))) {
            return false;
        }
        const std::uint32_t kind = kind_of(*inner->type);
        const std::uint64_t room = std::uint64_t{owner.size} * 8;
        const std::uint64_t offset = flag_of(owner) ? BTF_MEMBER_BIT_OFFSET(member.offset)
                                                    : member.offset;
        const std::uint32_t width = flag_of(owner) ? BTF_MEMBER_BITFIELD_SIZE(member.offset) : 0;
        std::uint64_t bits = std::uint64_t{inner->bytes} * 8;
        if (kind == BTF_KIND_INT && !flag_of(owner)) {
            // The old way to write bitfields: the integer type itself has width and offset.
            const auto data = tail<std::uint32_t>(*inner->type);
            const std::uint64_t begin = offset + BTF_INT_OFFSET(data);
            const std::uint64_t copied = BTF_INT_BITS(data) + begin % 8;
            return copied <= 128 && begin / 8 * 8 <= room &&
                   room - begin / 8 * 8 >= (copied + 7) / 8 * 8;
        }
        if (width != 0) {
            const bool can_be_narrow = kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 ||
                                       is_regular_int(inner->type);
            if (!can_be_narrow || width > bits || width + offset % 8 > 128) {
                return false;
            }
            bits = width;
        } else if (offset % 8 != 0 || (kind == BTF_KIND_INT && !is_regular_int(inner->type))) {
            return false;
        }
        const std::uint64_t alignment = kind == BTF_KIND_FLOAT ? std::min(inner->bytes, 8U) * 8 : 1;
        return offset + bits <= room && offset % alignment == 0;
    }
    [[nodiscard]] bool prototype_fits(const btf_type& type) const {
        if (type.type != 0 && !is_value(type.type)) {
            return false;
        }
        const auto params = members<btf_param>(type);
        for (std::size_t i = 0; i < params.size(); ++i) {
            const bool variadic = i + 1 == params.size() && params[i].type == 0 &&
                                  params[i].name_off == 0;
            if (!variadic && (params[i].type == 0 || !is_value(params[i].type))) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool function_fits(const btf_type& type) const {
        const btf_type* prototype = blob_.type(type.type);
        if (prototype == nullptr || kind_of(*prototype) != BTF_KIND_FUNC_PROTO) {
            return false;
        }
        const auto params = members<btf_param>(*prototype);
        return std::all_of(params.begin(), params.end(), [](const btf_param& param) {
            return param.name_off != 0 || param.type == 0;
        });
    }
    [[nodiscard]] bool section_fits(const btf_type& type) const {
        const auto all = members<btf_var_secinfo>(type);
        return std::all_of(all.begin(), all.end(), [&](const btf_var_secinfo& info) {
            const btf_type* variable = blob_.type(info.type);
            const auto size = sized(blob_, info.type);
            return variable != nullptr && kind_of(*variable) == BTF_KIND_VAR && size &&
                   info.size >= size->bytes;
        });
    }
    [[nodiscard]] bool tag_fits(const btf_type& type) const {
        const btf_type* target = blob_.type(type.type);
        const auto component = tail<btf_decl_tag>(type).component_idx;
        if (target == nullptr) {
            return false;
        }
        switch (kind_of(*target)) {
            case BTF_KIND_VAR:
            case BTF_KIND_TYPEDEF: return component == -1;
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION: return component < static_cast<std::int64_t>(vlen_of(*target));
            case BTF_KIND_FUNC: {
                const btf_type* prototype = blob_.type(target->type);
                const std::int64_t params = prototype == nullptr ? 0 : vlen_of(*prototype);
                return component < params;
            }
            default: return false;
        }
    }

    const Blob& blob_;
    std::vector<Colour> colour_;
};

}  // namespace

Result<void> check_references(const Blob& blob) { return ReferenceCheck(blob).run(); }

}  // namespace trapgate::kernel::btf
