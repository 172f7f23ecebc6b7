// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/api/btf_check.hpp"

#include <utility>

#include "kernel/api/btf_format.hpp"

namespace trapgate::kernel {
namespace {

Result<btf::Blob> read_blob(std::span<const std::byte> bytes) {
    const auto sections = btf::read_header(bytes);
    if (!sections) {
        return tl::unexpected(sections.error());
    }
    auto types = btf::split_types(sections->types);
    if (!types) {
        return tl::unexpected(types.error());
    }
    return btf::Blob{sections->strings, std::move(*types)};
}

}  // namespace

Result<void> check_btf(std::span<const std::byte> bytes) {
    const auto blob = read_blob(bytes);
    if (!blob) {
        return tl::unexpected(blob.error());
    }
    if (auto checked = btf::check_metas(*blob); !checked) {
        return checked;
    }
    return btf::check_references(*blob);
}

BtfTypes::BtfTypes(std::span<const std::byte> bytes)
    : blob_(std::make_shared<btf::Blob>(read_blob(bytes).value_or(btf::Blob{}))) {}

std::uint32_t BtfTypes::count() const { return static_cast<std::uint32_t>(blob_->types.size()); }

const btf_type* BtfTypes::type(std::uint32_t id) const { return blob_->type(id); }

const btf_type* BtfTypes::resolved(std::uint32_t id) const { return btf::skip_names(*blob_, id); }

std::string_view BtfTypes::string(std::uint32_t offset) const {
    return btf::string_at(blob_->strings, offset);
}

std::optional<std::uint32_t> BtfTypes::size_of(std::uint32_t id) const {
    const auto found = btf::sized(*blob_, id);
    return found ? std::optional(found->bytes) : std::nullopt;
}

}  // namespace trapgate::kernel
