// SPDX-License-Identifier: GPL-2.0-only
// What Linux checks of each type alone (the check_meta functions of kernel/bpf/btf.c).
#include <algorithm>
#include <cerrno>

#include "kernel/api/btf_format.hpp"

namespace trapgate::kernel::btf {
namespace {

constexpr int kErrnoNotSupported = 524;
constexpr std::size_t kMaxNameBytes = 512;  // KSYM_NAME_LEN

/// Letters as the kernel's own table has them: ASCII and Latin-1.
bool is_letter(unsigned char c) {
    const bool ascii = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return ascii || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier(std::string_view name) {
    const auto legal = [](char c) {
        return is_letter(static_cast<unsigned char>(c)) || is_digit(c) || c == '_' || c == '.';
    };
    return !name.empty() && name.size() < kMaxNameBytes && !is_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), legal);
}

bool is_section_name(std::string_view name) {
    const auto printable = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte < 0x7f) || byte >= 0xa0;
    };
    return !name.empty() && name.size() < kMaxNameBytes &&
           std::all_of(name.begin(), name.end(), printable);
}

class MetaCheck {
public:
    MetaCheck(const Blob& blob, std::uint32_t id) : blob_(blob), id_(id), type_(*blob.type(id)) {}

    Result<void> run() const {
        const KindRules rules = rules_of(kind_of(type_));
        if (!name_fits(rules.naming)) {
            return bad("Invalid name");
        }
        const std::uint32_t most = kind_of(type_) == BTF_KIND_FUNC ? std::uint32_t{BTF_FUNC_EXTERN}
                                                                   : 0;
        if (rules.member_bytes == 0 && vlen_of(type_) > most) {
            return bad("vlen != 0");
        }
        if (!rules.flag_allowed && flag_of(type_)) {
            return bad("Invalid btf_info kind_flag");
        }
        if (rules.refers && !blob_.exists(type_.type)) {
            return bad("Invalid type_id");
        }
        switch (kind_of(type_)) {
            case BTF_KIND_INT: return check_int();
            case BTF_KIND_ARRAY: return check_array();
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION: return check_struct();
            case BTF_KIND_ENUM:
            case BTF_KIND_ENUM64: return check_enum();
            case BTF_KIND_FWD: return type_.type == 0 ? Result<void>{} : bad("type != 0");
            case BTF_KIND_FLOAT: return check_float();
            case BTF_KIND_VAR: return check_var();
            case BTF_KIND_DATASEC: return check_datasec();
            case BTF_KIND_DECL_TAG:
                return tail<btf_decl_tag>(type_).component_idx >= -1 ? Result<void>{}
                                                                     : bad("Invalid component_idx");
            default: return {};
        }
    }

private:
    [[nodiscard]] tl::unexpected<Error> bad(std::string_view why, int linux_errno = EINVAL) const {
        return blob_.refuse_type(id_, why, linux_errno);
    }
    [[nodiscard]] bool in_strings(std::uint32_t offset) const {
        return offset < blob_.strings.size();
    }
    [[nodiscard]] bool identifier_at(std::uint32_t offset) const {
        return is_identifier(string_at(blob_.strings, offset));
    }

    [[nodiscard]] bool name_fits(Naming naming) const {
        const std::uint32_t offset = type_.name_off;
        if (!in_strings(offset)) {
            return false;
        }
        switch (naming) {
            case Naming::Any: return true;
            case Naming::None: return offset == 0;
            case Naming::Optional: return offset == 0 || identifier_at(offset);
            case Naming::Needed: return identifier_at(offset);
            case Naming::Section: return is_section_name(string_at(blob_.strings, offset));
            case Naming::Value: return !string_at(blob_.strings, offset).empty();
        }
        return false;
    }

    [[nodiscard]] Result<void> check_int() const {
        const auto data = tail<std::uint32_t>(type_);
        const std::uint32_t bits = BTF_INT_BITS(data) + BTF_INT_OFFSET(data);
        if ((data & 0xf0000000U) != 0 || bits > 128 || (bits + 7) / 8 > type_.size) {
            return bad("Invalid int_data");
        }
        const std::uint32_t encoding = BTF_INT_ENCODING(data);
        const bool single = (encoding & (encoding - 1)) == 0 && encoding <= BTF_INT_BOOL;
        return encoding == 0 || single ? Result<void>{}
                                       : bad("Unsupported encoding", kErrnoNotSupported);
    }
    [[nodiscard]] Result<void> check_array() const {
        const auto& array = tail<btf_array>(type_);
        const bool complete = array.type != 0 && blob_.exists(array.type) &&
                              array.index_type != 0 && blob_.exists(array.index_type);
        return type_.size == 0 && complete ? Result<void>{} : bad("Invalid elem or index");
    }
    [[nodiscard]] Result<void> check_struct() const {
        std::uint32_t last = 0;
        for (const btf_member& member : members<btf_member>(type_)) {
            const std::uint32_t offset = flag_of(type_) ? BTF_MEMBER_BIT_OFFSET(member.offset)
                                                        : member.offset;
            const bool named = member.name_off == 0 || identifier_at(member.name_off);
            const bool in_union = kind_of(type_) == BTF_KIND_UNION && offset != 0;
            if (!named || member.type == 0 || !blob_.exists(member.type) || in_union ||
                offset < last || (std::uint64_t{offset} + 7) / 8 > type_.size) {
                return bad("Invalid member");
            }
            last = offset;
        }
        return {};
    }
    [[nodiscard]] Result<void> check_enum() const {
        if (type_.size > 8 || type_.size == 0 || (type_.size & (type_.size - 1)) != 0) {
            return bad("Unexpected size");
        }
        const bool wide = kind_of(type_) == BTF_KIND_ENUM64;
        for (std::uint32_t i = 0; i < vlen_of(type_); ++i) {
            if (!identifier_at(wide ? members<btf_enum64>(type_)[i].name_off
                                    : members<btf_enum>(type_)[i].name_off)) {
                return bad("Invalid name of an enumerator");
            }
        }
        return {};
    }
    [[nodiscard]] Result<void> check_float() const {
        const std::uint32_t size = type_.size;
        return size == 2 || size == 4 || size == 8 || size == 12 || size == 16
                   ? Result<void>{}
                   : bad("Invalid type_size");
    }
    [[nodiscard]] Result<void> check_var() const {
        const std::uint32_t linkage = tail<btf_var>(type_).linkage;
        const bool known = linkage == BTF_VAR_STATIC || linkage == BTF_VAR_GLOBAL_ALLOCATED;
        return type_.type != 0 && known ? Result<void>{} : bad("Linkage not supported");
    }
    [[nodiscard]] Result<void> check_datasec() const {
        std::uint64_t end = 0;
        std::uint64_t sum = 0;
        if (type_.size == 0) {
            return bad("size == 0");
        }
        for (const btf_var_secinfo& var : members<btf_var_secinfo>(type_)) {
            if (var.type == 0 || !blob_.exists(var.type) || var.offset < end || var.size == 0 ||
                std::uint64_t{var.offset} + var.size > type_.size) {
                return bad("Invalid variable");
            }
            end = std::uint64_t{var.offset} + var.size;
            sum += var.size;
        }
        return sum <= type_.size ? Result<void>{} : bad("Invalid btf_info size");
    }

    const Blob& blob_;
    std::uint32_t id_;
    const btf_type& type_;
};

}  // namespace

Result<void> check_metas(const Blob& blob) {
    for (std::uint32_t id = 1; id <= blob.types.size(); ++id) {
        if (auto checked = MetaCheck(blob, id).run(); !checked) {
            return checked;
        }
        // The parameters' names belong to the prototype, whose other rules need the types they
        // have.
        const btf_type& type = *blob.type(id);
        if (kind_of(type) == BTF_KIND_FUNC_PROTO) {
            for (const btf_param& param : members<btf_param>(type)) {
                if (param.name_off != 0 &&
                    !is_identifier(string_at(blob.strings, param.name_off))) {
                    return blob.refuse_type(id, "Invalid arg");
                }
            }
        }
    }
    return {};
}

}  // namespace trapgate::kernel::btf
