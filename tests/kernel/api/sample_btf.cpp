// SPDX-License-Identifier: GPL-2.0-only
#include "tests/kernel/api/sample_btf.hpp"

#include <cstdint>
#include <memory>
#include <span>

#include <bpf/btf.h>

namespace trapgate::kernel {
namespace {

struct Free {
    void operator()(btf* types) const { btf__free(types); }
};
using Types = std::unique_ptr<btf, Free>;

std::vector<std::byte> bytes_of(const Types& types) {
    std::uint32_t size = 0;
    const auto* data = static_cast<const std::byte*>(btf__raw_data(types.get(), &size));
    return {data, data + size};
}

}  // namespace

std::vector<std::byte> sample_btf() {
    const Types types(btf__new_empty());
    btf* b = types.get();
    const int u32 = btf__add_int(b, "unsigned int", 4, 0);
    const int s64 = btf__add_int(b, "long", 8, BTF_INT_SIGNED);
    const int pointer = btf__add_ptr(b, 0);
    const int array = btf__add_array(b, u32, u32, 7);
    const int type = btf__add_typedef(b, "u32_t", btf__add_const(b, btf__add_volatile(b, u32)));
    btf__add_struct(b, "thing", 48);
    btf__add_field(b, "count", type, 0, 0);
    btf__add_field(b, "next", pointer, 64, 0);
    btf__add_field(b, "table", array, 128, 0);
    btf__add_union(b, "either", 8);
    btf__add_field(b, "a", s64, 0, 0);
    btf__add_field(b, "b", u32, 0, 0);
    btf__add_struct(b, "bits", 4);
    btf__add_field(b, "low", u32, 0, 3);
    btf__add_field(b, "high", u32, 3, 5);
    btf__add_enum(b, "colour", 4);
    btf__add_enum_value(b, "RED", 1);
    btf__add_enum_value(b, "BLUE", 2);
    btf__add_fwd(b, "later", BTF_FWD_STRUCT);
    const int prototype = btf__add_func_proto(b, u32);
    btf__add_func_param(b, "first", pointer);
    btf__add_func(b, "call_me", BTF_FUNC_GLOBAL, prototype);
    btf__add_float(b, "double", 8);
    const int variable = btf__add_var(b, "counter", BTF_VAR_GLOBAL_ALLOCATED, u32);
    btf__add_datasec(b, ".bss", 8);
    btf__add_datasec_var_info(b, variable, 0, 4);
    return bytes_of(types);
}

std::vector<std::byte> moved_open_how_btf() {
    const Types types(btf__new_empty());
    btf* b = types.get();
    const int u64 = btf__add_int(b, "unsigned long long", 8, 0);
    btf__add_struct(b, "open_how", 32);
    btf__add_field(b, "padding", u64, 0, 0);
    btf__add_field(b, "resolve", u64, 64, 0);
    btf__add_field(b, "flags", u64, 128, 0);
    btf__add_field(b, "mode", u64, 192, 0);
    return bytes_of(types);
}

}  // namespace trapgate::kernel
