// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/machine_facts.hpp"

#include <algorithm>

#include <bpf/btf.h>

namespace trapgate::kernel {
namespace {

constexpr unsigned kMaxDepth = 32;  // of qualifiers, and of unnamed structures in one another

// Without typedefs and qualifiers; null for void and for what does not exist.
const btf_type* plain(const btf* types, std::uint32_t& id) {
    for (unsigned i = 0; i < kMaxDepth; ++i) {
        const btf_type* type = id == 0 ? nullptr : btf__type_by_id(types, id);
        if (type == nullptr || (!btf_is_mod(type) && !btf_is_typedef(type))) {
            return type;
        }
        id = type->type;
    }
    return nullptr;
}

std::string_view name_of(const btf* types, std::uint32_t offset) {
    const char* name = btf__name_by_offset(types, offset);
    return name == nullptr ? std::string_view() : name;
}

std::optional<BtfMember> find_member(const btf* types, std::uint32_t id, std::string_view name,
                                     unsigned depth) {
    const btf_type* type = plain(types, id);
    if (type == nullptr || !btf_is_composite(type) || depth > kMaxDepth) {
        return std::nullopt;
    }
    for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
        const btf_member& entry = btf_members(type)[i];
        const std::uint32_t offset = btf_member_bit_offset(type, i);
        if (name_of(types, entry.name_off) == name) {
            return BtfMember{offset, btf_member_bitfield_size(type, i), entry.type};
        }
        if (name_of(types, entry.name_off).empty()) {
            if (auto inner = find_member(types, entry.type, name, depth + 1)) {
                inner->bit_offset += offset;
                return inner;
            }
        }
    }
    return std::nullopt;
}

void collect_members(const btf* types, std::uint32_t id, unsigned depth,
                     std::vector<std::string>& names) {
    const btf_type* type = plain(types, id);
    if (type == nullptr || !btf_is_composite(type) || depth > kMaxDepth) {
        return;
    }
    for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
        const btf_member& entry = btf_members(type)[i];
        const std::string_view name = name_of(types, entry.name_off);
        if (name.empty()) {
            collect_members(types, entry.type, depth + 1, names);
        } else {
            names.emplace_back(name);
        }
    }
}

}  // namespace

MachineFacts::MachineFacts(const emu::Machine& machine) : machine_(machine) {}
MachineFacts::~MachineFacts() = default;

void MachineFacts::Free::operator()(btf* types) const { btf__free(types); }

const btf* MachineFacts::types() const {
    const auto bytes = machine_.kernel_btf();
    if (!looked_ && !bytes.empty()) {
        looked_ = true;
        types_.reset(btf__new(bytes.data(), static_cast<std::uint32_t>(bytes.size())));
    }
    return types_.get();
}

unsigned MachineFacts::symbols_named(std::string_view name) const {
    return static_cast<unsigned>(
        std::ranges::count(machine_.symbols().all(), name, &emu::Symbol::name));
}

std::optional<std::uint64_t> MachineFacts::address_of(std::string_view name) const {
    const Result<emu::Symbol> symbol = machine_.symbols().find(name);
    return symbol ? std::optional(symbol->address.value) : std::nullopt;
}

std::string MachineFacts::near_symbols(std::string_view name) const {
    const Result<emu::Symbol> symbol = machine_.symbols().find(name);
    return symbol ? std::string() : symbol.error().hint;
}

std::optional<BtfFunction> MachineFacts::function(std::string_view name) const {
    const btf* all = types();
    const std::int32_t id = all == nullptr ? -1
                                           : btf__find_by_name_kind(all, std::string(name).c_str(),
                                                                    BTF_KIND_FUNC);
    const btf_type* found = id <= 0 ? nullptr
                                    : btf__type_by_id(all, static_cast<std::uint32_t>(id));
    const btf_type* prototype = found == nullptr ? nullptr : btf__type_by_id(all, found->type);
    if (prototype == nullptr || !btf_is_func_proto(prototype)) {
        return std::nullopt;
    }
    BtfFunction function{prototype->type, {}};
    for (std::uint32_t i = 0; i < btf_vlen(prototype); ++i) {
        const btf_param& parameter = btf_params(prototype)[i];
        function.parameters.push_back(
            {std::string(name_of(all, parameter.name_off)), parameter.type});
    }
    return function;
}

std::optional<BtfType> MachineFacts::type(std::uint32_t id) const {
    using Kind = BtfType::Kind;
    const btf* all = types();
    const btf_type* found = all == nullptr ? nullptr : plain(all, id);
    if (found == nullptr) {
        return std::nullopt;
    }
    BtfType type;
    type.id = id;
    if (btf_is_int(found)) {
        type.kind = Kind::Integer;
        type.bits = btf_int_bits(found);
        type.is_signed = (btf_int_encoding(found) & BTF_INT_SIGNED) != 0;
    } else if (btf_is_ptr(found)) {
        type.kind = Kind::Pointer;
        type.target = found->type;
    } else if (btf_is_array(found)) {
        type.kind = Kind::Array;
        type.target = btf_array(found)->type;
    } else if (btf_is_composite(found)) {
        type.kind = Kind::Structure;
    } else if (btf_is_enum(found)) {
        type.kind = Kind::Enum;
    } else if (btf_is_enum64(found)) {
        type.kind = Kind::Enum64;
    }
    return type;
}

std::optional<BtfMember> MachineFacts::member(std::uint32_t structure,
                                              std::string_view name) const {
    const btf* all = types();
    return all == nullptr || name.empty() ? std::nullopt : find_member(all, structure, name, 0);
}

std::vector<std::string> MachineFacts::member_names(std::uint32_t structure) const {
    std::vector<std::string> names;
    if (const btf* all = types()) {
        collect_members(all, structure, 0, names);
    }
    return names;
}

}  // namespace trapgate::kernel
