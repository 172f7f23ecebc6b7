// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct btf;

namespace trapgate::kernel {

/// Shows memory as the C values that a BTF blob says it holds, through libbpf's btf_dump.
class TypePrinter {
public:
    /// Copies `bytes`, a BTF blob. EINVAL when libbpf cannot read it.
    [[nodiscard]] static Result<TypePrinter> create(std::span<const std::byte> bytes);
    TypePrinter(TypePrinter&&) noexcept;
    TypePrinter& operator=(TypePrinter&&) noexcept;
    ~TypePrinter();

    /// "(struct open_event){.seq = (__u32)1,.dfd = (__s32)-100,}"; on several lines unless
    /// `compact`. Bytes in hex when the type does not fit the value.
    [[nodiscard]] std::string print(std::uint32_t type_id, std::span<const std::byte> value,
                                    bool compact = true) const;

    /// `struct name`, or a typedef of that name.
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const;
    /// The structure for a record of `bytes` bytes, for rings, whose maps name no type: the only
    /// structure of that size, or of several the only one whose name ends in "event" or "record".
    /// clang keeps such a type only if a global variable or a function's parameter mentions it.
    [[nodiscard]] std::optional<std::uint32_t> record_type(std::uint64_t bytes) const;
    /// "struct open_event", "u64": for headings. "" for an unknown id.
    [[nodiscard]] std::string name(std::uint32_t type_id) const;

private:
    struct Free {
        void operator()(btf* types) const;
    };
    explicit TypePrinter(btf* types) : btf_(types) {}
    std::unique_ptr<btf, Free> btf_;
};

/// Bytes as "0a 00 ff".
[[nodiscard]] std::string hex_bytes(std::span<const std::byte> bytes);

}  // namespace trapgate::kernel
