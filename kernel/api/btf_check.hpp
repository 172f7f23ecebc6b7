// SPDX-License-Identifier: GPL-2.0-only
// BTF as bpf(BPF_BTF_LOAD) accepts it: everything a reader may later follow is checked once, here,
// so that nothing can lead it outside the blob or round in circles. Format:
// Documentation/bpf/btf.rst; limits: include/uapi/linux/btf.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.hpp"

struct btf_type;

namespace trapgate::kernel {
namespace btf {
struct Blob;
}

/// Checks a whole blob. The error's errno is Linux's; `what` is a line for the log, as "[5] Invalid
/// type_id".
[[nodiscard]] Result<void> check_btf(std::span<const std::byte> bytes);

/// A view of a blob that check_btf has passed (which must stay alive).
class BtfTypes {
public:
    explicit BtfTypes(std::span<const std::byte> bytes);

    /// Types, without void (id 0); ids are 1..count().
    [[nodiscard]] std::uint32_t count() const;
    /// Null for void and for ids that do not exist.
    [[nodiscard]] const btf_type* type(std::uint32_t id) const;
    /// The type behind typedefs, qualifiers and tags; null for void.
    [[nodiscard]] const btf_type* resolved(std::uint32_t id) const;
    /// "" for an offset outside the strings.
    [[nodiscard]] std::string_view string(std::uint32_t offset) const;
    /// Bytes of a value of this type, through typedefs and qualifiers; nothing for void, functions
    /// and the like.
    [[nodiscard]] std::optional<std::uint32_t> size_of(std::uint32_t id) const;

private:
    std::shared_ptr<const btf::Blob> blob_;
};

}  // namespace trapgate::kernel
