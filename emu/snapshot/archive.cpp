// SPDX-License-Identifier: GPL-2.0-only
#include "emu/snapshot/archive.hpp"

#include <utility>

#include <fmt/format.h>

namespace trapgate::emu {

void StateWriter::put(std::string_view text) { put(std::as_bytes(std::span(text))); }

void StateWriter::put(std::span<const std::byte> bytes) {
    put(static_cast<std::uint64_t>(bytes.size()));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::size_t StateWriter::begin_section(std::string_view name, std::uint32_t version) {
    put(name);
    put(version);
    put(std::uint64_t{0});  // The length, known at the end.
    return bytes_.size();
}

void StateWriter::end_section(std::size_t start) {
    const std::uint64_t length = bytes_.size() - start;
    for (std::size_t i = 0; i < sizeof(length); ++i) {
        bytes_[start - sizeof(length) + i] = static_cast<std::byte>(length >> (8 * i));
    }
}

void StateReader::check(bool holds, std::string_view what) {
    if (!holds && !error_) {
        error_ = Error{std::string(what), section_, "was it written by this version?"};
    }
}

Result<void> StateReader::finish() {
    check(left_.empty(), "there is more than was expected");
    if (error_) {
        return tl::unexpected(*error_);
    }
    return {};
}

std::span<const std::byte> StateReader::raw(std::uint64_t bytes) {
    check(bytes <= left_.size(), "it ends too early");
    if (!ok()) {
        return {};
    }
    const std::span<const std::byte> taken = left_.first(bytes);
    left_ = left_.subspan(bytes);
    return taken;
}

std::uint64_t StateReader::get_count() {
    std::uint64_t count = 0;
    get(count);
    check(count <= left_.size(), "it ends too early");
    return ok() ? count : 0;
}

void StateReader::get(std::string& text) {
    const std::span<const std::byte> from = raw(get_count());
    text.assign(reinterpret_cast<const char*>(from.data()), from.size());
}

void StateReader::get(std::vector<std::byte>& bytes) {
    const std::span<const std::byte> from = raw(get_count());
    bytes.assign(from.begin(), from.end());
}

StateReader::Section StateReader::begin_section(std::string_view name, std::uint32_t version) {
    const std::string outer = std::exchange(section_, std::string(name));
    std::string found;
    std::uint32_t found_version = 0;
    std::uint64_t length = 0;
    get(found);
    get(found_version);
    get(length);
    check(found == name, fmt::format("there is \"{}\" in its place", found));
    check(found_version == version,
          fmt::format("it has version {}, this is {}", found_version, version));
    check(length <= left_.size(), "it ends too early");
    if (!ok()) {
        left_ = {};
        return {outer, {}};
    }
    Section section{outer, left_.subspan(length)};
    left_ = left_.first(length);
    return section;
}

void StateReader::end_section(const Section& section) {
    check(left_.empty(), "it is longer than was expected");
    left_ = section.after;
    section_ = section.outer_name;
}

}  // namespace trapgate::emu
