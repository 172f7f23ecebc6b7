// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/libbpf/type_printer.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <iterator>

#include <bpf/btf.h>
#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

void append(void* context, const char* format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length > 0) {
        std::string piece(static_cast<std::size_t>(length) + 1, '\0');
        std::vsnprintf(piece.data(), piece.size(), format, arguments);
        piece.pop_back();
        *static_cast<std::string*>(context) += piece;
    }
}

struct DumpFree {
    void operator()(btf_dump* dump) const { btf_dump__free(dump); }
};

bool looks_like_record(std::string_view name) {
    return name.ends_with("event") || name.ends_with("record");
}

}  // namespace

void TypePrinter::Free::operator()(btf* types) const { btf__free(types); }

TypePrinter::TypePrinter(TypePrinter&&) noexcept = default;
TypePrinter& TypePrinter::operator=(TypePrinter&&) noexcept = default;
TypePrinter::~TypePrinter() = default;

Result<TypePrinter> TypePrinter::create(std::span<const std::byte> bytes) {
    btf* types = btf__new(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    if (types == nullptr) {
        return fail("not BTF that libbpf can read", {}, {}, errno);
    }
    return TypePrinter(types);
}

std::string TypePrinter::print(std::uint32_t type_id, std::span<const std::byte> value,
                               bool compact) const {
    std::string text;
    const std::unique_ptr<btf_dump, DumpFree> dump(
        btf_dump__new(btf_.get(), append, &text, nullptr));
    LIBBPF_OPTS(btf_dump_type_data_opts, options, .compact = compact, .emit_zeroes = true);
    const int used = dump == nullptr ? -ENOMEM
                                     : btf_dump__dump_type_data(dump.get(), type_id, value.data(),
                                                                value.size(), &options);
    return used < 0 ? hex_bytes(value) : text;
}

std::optional<std::uint32_t> TypePrinter::find(std::string_view name) const {
    const std::string text(name);
    for (const std::uint32_t kind : {BTF_KIND_STRUCT, BTF_KIND_TYPEDEF}) {
        if (const int id = btf__find_by_name_kind(btf_.get(), text.c_str(), kind); id > 0) {
            return static_cast<std::uint32_t>(id);
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> TypePrinter::record_type(std::uint64_t bytes) const {
    std::optional<std::uint32_t> any;
    std::optional<std::uint32_t> named;
    unsigned any_count = 0;
    unsigned named_count = 0;
    for (std::uint32_t id = 1; id < btf__type_cnt(btf_.get()); ++id) {
        const btf_type* type = btf__type_by_id(btf_.get(), id);
        const char* name = btf__name_by_offset(btf_.get(), type->name_off);
        if (!btf_is_struct(type) || type->size != bytes || name == nullptr || *name == '\0') {
            continue;
        }
        any = id;
        ++any_count;
        if (looks_like_record(name)) {
            named = id;
            ++named_count;
        }
    }
    if (named_count == 1) {
        return named;
    }
    return any_count == 1 ? any : std::nullopt;
}

std::string TypePrinter::name(std::uint32_t type_id) const {
    const btf_type* type = btf__type_by_id(btf_.get(), type_id);
    const char* name = type == nullptr ? nullptr : btf__name_by_offset(btf_.get(), type->name_off);
    if (name == nullptr) {
        return {};
    }
    const char* keyword = btf_is_struct(type)     ? "struct "
                          : btf_is_union(type)    ? "union "
                          : btf_is_any_enum(type) ? "enum "
                                                  : "";
    return keyword + std::string(name);
}

std::string hex_bytes(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        fmt::format_to(std::back_inserter(text), "{}{:02x}", text.empty() ? "" : " ",
                       static_cast<unsigned>(byte));
    }
    return text;
}

}  // namespace trapgate::kernel
