// SPDX-License-Identifier: GPL-2.0-only
// BPF_MAP_*: making maps, and their elements from outside. The order of checks is Linux's
// (kernel/bpf/syscall.c), because the first one that fails gives the errno.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <vector>

#include <linux/btf.h>

#include "kernel/api/btf_check.hpp"
#include "kernel/api/call.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint32_t kAccessFlags = BPF_F_RDONLY | BPF_F_WRONLY;

Access access_of(std::uint32_t map_flags) {
    if ((map_flags & BPF_F_RDONLY) != 0) {
        return Access::ReadOnly;
    }
    return (map_flags & BPF_F_WRONLY) != 0 ? Access::WriteOnly : Access::ReadWrite;
}

/// array_map_check_btf: an index of 32 bits; or none, for the one element that holds a section such
/// as .bss.
bool is_array_key(const BtfTypes& types, std::uint32_t key, std::uint32_t value,
                  std::uint32_t entries) {
    const btf_type* key_type = types.resolved(key);
    if (key_type == nullptr) {
        const btf_type* value_type = types.resolved(value);
        return entries == 1 && value_type != nullptr &&
               BTF_INFO_KIND(value_type->info) == BTF_KIND_DATASEC;
    }
    std::uint32_t encoding = 0;
    std::memcpy(&encoding, key_type + 1, sizeof(encoding));
    return BTF_INFO_KIND(key_type->info) == BTF_KIND_INT && (encoding & 0xffff) == 32;
}

/// Checks that the types given for key and value have the map's sizes, and keeps them.
long attach_btf(Call& call, MapObject& object) {
    const union bpf_attr& attr = call.attr;
    if (attr.btf_key_type_id == 0 && attr.btf_value_type_id == 0) {
        return 0;
    }
    const auto btf = call.caller.object<BtfObject>(static_cast<int>(attr.btf_fd));
    if (!btf) {
        return call.fail(btf.error(), "btf_fd is not a BTF object");
    }
    if ((*btf)->kernel_btf) {
        return call.fail(EACCES, "a map cannot use the kernel's own BTF");
    }
    const bpf::MapSpec& spec = object.map->spec();
    const BtfTypes types((*btf)->bytes);
    if (attr.btf_key_type_id != 0 && types.size_of(attr.btf_key_type_id) != spec.key_size) {
        return call.fail(EINVAL, "the BTF type of the key has another size", spec.name);
    }
    if (types.size_of(attr.btf_value_type_id) != spec.value_size) {
        return call.fail(EINVAL, "the BTF type of the value has another size", spec.name);
    }
    if (spec.type != BPF_MAP_TYPE_ARRAY) {
        if (attr.btf_key_type_id == 0) {
            return call.fail(EINVAL, "only an array's key may be without a type", spec.name);
        }
    } else if (!is_array_key(types, attr.btf_key_type_id, attr.btf_value_type_id,
                             spec.max_entries)) {
        return call.fail(EINVAL, "an array's key is a 32-bit integer, or void for a section",
                         spec.name);
    }
    object.btf = *btf;
    object.btf_key_type = attr.btf_key_type_id;
    object.btf_value_type = attr.btf_value_type_id;
    return 0;
}

/// The map of attr.map_fd, if its descriptor allows what is asked.
tl::expected<std::shared_ptr<MapObject>, int> map_for(Call& call, bool (*allowed)(Access),
                                                      bool writes) {
    const auto found = call.caller.find(static_cast<int>(call.attr.map_fd));
    if (!found) {
        return tl::unexpected(found.error());
    }
    auto object = std::dynamic_pointer_cast<MapObject>(found->object);
    if (object == nullptr) {
        return tl::unexpected(EINVAL);
    }
    if (!allowed(found->access) || (writes && object->frozen)) {
        return tl::unexpected(EPERM);
    }
    return object;
}

/// __bpf_copy_key: maps without keys want a null pointer.
tl::expected<std::vector<std::byte>, int> copy_key(Call& call, const MapObject& object,
                                                   std::uint64_t from) {
    std::vector<std::byte> key(object.map->spec().key_size);
    if (key.empty() && from != 0) {
        return tl::unexpected(EINVAL);
    }
    if (!call.caller.read(from, key)) {
        return tl::unexpected(EFAULT);
    }
    return key;
}

}  // namespace

long install(Call& call, std::shared_ptr<Object> object, Access access) {
    return call.caller.install(std::move(object), access);
}

Result<std::string> object_name(std::span<const char> field) {
    const auto end = std::find(field.begin(), field.end(), '\0');
    const bool legal = std::all_of(field.begin(), end, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
    });
    if (end == field.end() || !legal) {
        return fail_errno(EINVAL, "a name is at most 15 letters, digits, '_' and '.'");
    }
    return std::string(field.begin(), end);
}

long map_create(Call& call) {
    const union bpf_attr& attr = call.attr;
    if (attr.btf_vmlinux_value_type_id != 0) {
        return call.fail(EINVAL, "struct_ops maps do not exist here");
    }
    if (attr.btf_key_type_id != 0 && attr.btf_value_type_id == 0) {
        return call.fail(EINVAL, "a BTF type for the key needs one for the value");
    }
    if (attr.map_extra != 0 && attr.map_type != BPF_MAP_TYPE_BLOOM_FILTER) {
        return call.fail(EINVAL, "map_extra has no meaning for this type");
    }
    if ((attr.map_flags & kAccessFlags) == kAccessFlags) {
        return call.fail(EINVAL, "a map cannot be read-only and write-only");
    }
    if (attr.map_ifindex != 0) {
        return call.fail(EINVAL, "maps live in the guest, not in a network device");
    }
    if ((attr.map_flags & BPF_F_NUMA_NODE) != 0 && attr.numa_node != 0) {
        return call.fail(EINVAL, "there is one NUMA node, 0");
    }
    const bpf::MapSpec spec{.type = attr.map_type,
                            .key_size = attr.key_size,
                            .value_size = attr.value_size,
                            .max_entries = attr.max_entries,
                            .map_flags = attr.map_flags,
                            .name = {}};
    const Result<std::string> name = object_name(attr.map_name);
    bpf::MapSpec named = spec;
    named.name = name.value_or("");
    auto made = bpf::make_map(named, call.storage());
    if (!made) {
        return call.fail(made.error());
    }
    if (!name) {
        return call.fail(name.error());
    }
    auto object = std::make_shared<MapObject>(std::shared_ptr<bpf::Map>(std::move(*made)));
    if (const long error = attach_btf(call, *object); error != 0) {
        return error;
    }
    call.maps().add(object);
    return install(call, std::move(object), access_of(attr.map_flags));
}

long map_lookup_elem(Call& call) {
    if ((call.attr.flags & ~static_cast<std::uint64_t>(BPF_F_LOCK)) != 0) {
        return -EINVAL;
    }
    const auto object = map_for(call, can_read, false);
    if (!object) {
        return -object.error();
    }
    if ((call.attr.flags & BPF_F_LOCK) != 0) {
        return call.fail(EINVAL, "BPF_F_LOCK needs a spin lock in the value");
    }
    const auto key = copy_key(call, **object, call.attr.key);
    if (!key) {
        return -key.error();
    }
    std::vector<std::byte> value((*object)->map->spec().value_size);
    if (const int error = (*object)->map->lookup(*key, value); error != 0) {
        return error;
    }
    return call.caller.write(call.attr.value, value) ? 0 : -EFAULT;
}

long map_update_elem(Call& call) {
    const auto object = map_for(call, can_write, true);
    if (!object) {
        return -object.error();
    }
    if ((call.attr.flags & BPF_F_LOCK) != 0) {
        return call.fail(EINVAL, "BPF_F_LOCK needs a spin lock in the value");
    }
    const auto key = copy_key(call, **object, call.attr.key);
    if (!key) {
        return -key.error();
    }
    std::vector<std::byte> value((*object)->map->spec().value_size);
    if (!call.caller.read(call.attr.value, value)) {
        return -EFAULT;
    }
    return (*object)->map->update(*key, value, call.attr.flags);
}

long map_delete_elem(Call& call) {
    const auto object = map_for(call, can_write, true);
    if (!object) {
        return -object.error();
    }
    const auto key = copy_key(call, **object, call.attr.key);
    if (!key) {
        return -key.error();
    }
    return (*object)->map->erase(*key);
}

long map_get_next_key(Call& call) {
    const auto object = map_for(call, can_read, false);
    if (!object) {
        return -object.error();
    }
    std::vector<std::byte> key;
    if (call.attr.key != 0) {
        auto copied = copy_key(call, **object, call.attr.key);
        if (!copied) {
            return -copied.error();
        }
        key = std::move(*copied);
    }
    std::vector<std::byte> next((*object)->map->spec().key_size);
    if (const int error = (*object)->map->next_key(key, next); error != 0) {
        return error;
    }
    return call.caller.write(call.attr.next_key, next) ? 0 : -EFAULT;
}

long map_freeze(Call& call) {
    const auto found = call.caller.find(static_cast<int>(call.attr.map_fd));
    if (!found) {
        return -found.error();
    }
    auto object = std::dynamic_pointer_cast<MapObject>(found->object);
    if (object == nullptr) {
        return -EINVAL;
    }
    if (object->writable_mmaps != 0) {
        return -EBUSY;
    }
    if (!can_write(found->access) || object->frozen) {
        return -EPERM;
    }
    object->frozen = true;
    return 0;
}

}  // namespace trapgate::kernel
