// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Saved state as bytes. A class lists its fields once, for both directions:
///
///     template <class Archive>
///     void fields(Archive& archive) {
///         archive("i8259", 1, chips_[0].request, chips_[0].service);
///     }
///
/// The name and version open a section whose length is stored, so that a reader sees at once when a
/// state was written by another version of a class. Numbers are little-endian, of the size of their
/// type. A reader checks every length, and after the first mistake it reads zeroes and remembers
/// it; callers ask once, at the end.

#include <array>
#include <bitset>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace trapgate::emu {

template <class T>
concept PlainNumber = std::integral<T> || std::is_enum_v<T>;

/// A class that lists its fields.
template <class T, class Archive>
concept HasFields = requires(T& value, Archive& archive) { value.fields(archive); };

class StateWriter {
public:
    static constexpr bool kReads = false;

    template <class... Fields>
    void operator()(std::string_view name, std::uint32_t version, const Fields&... fields) {
        const std::size_t start = begin_section(name, version);
        (put(fields), ...);
        end_section(start);
    }

    /// Fields without a section of their own, for a part of something that has one.
    template <class... Fields>
    void list(const Fields&... fields) {
        (put(fields), ...);
    }

    template <PlainNumber T>
    void put(T value) {
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): what it is extended by is cut off again.
        const auto number = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            bytes_.push_back(static_cast<std::byte>(number >> (8 * i)));
        }
    }
    void put(Cycles cycles) { put(cycles.value); }
    void put(std::string_view text);
    void put(const std::string& text) { put(std::string_view(text)); }
    void put(std::span<const std::byte> bytes);
    void put(const std::vector<std::byte>& bytes) { put(std::span(bytes)); }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        put(value.value_or(T{}));
    }
    template <class T, std::size_t N>
    void put(const std::array<T, N>& values) {
        for (const T& value : values) {
            put(value);
        }
    }
    template <std::size_t N>
    void put(const std::bitset<N>& bits) {
        for (std::size_t i = 0; i < N; ++i) {
            put(bits.test(i));
        }
    }
    template <class T>
    void put(const std::deque<T>& values) {
        put_list(values);
    }
    template <class T>
    void put(const std::vector<T>& values) {
        put_list(values);
    }
    template <class K, class V>
    void put(const std::map<K, V>& values) {
        put(static_cast<std::uint64_t>(values.size()));
        for (const auto& [key, value] : values) {
            put(key);
            put(value);
        }
    }
    template <class T>
        requires HasFields<T, StateWriter>
    void put(const T& value) {
        // Listing fields for writing changes nothing.
        const_cast<T&>(value).fields(*this);
    }

    /// Bytes whose number the reader knows.
    void raw(std::span<const std::byte> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }

    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::size_t begin_section(std::string_view name, std::uint32_t version);
    void end_section(std::size_t start);
    template <class List>
    void put_list(const List& values) {
        put(static_cast<std::uint64_t>(values.size()));
        for (const auto& value : values) {
            put(value);
        }
    }

    std::vector<std::byte> bytes_;
};

class StateReader {
public:
    static constexpr bool kReads = true;

    explicit StateReader(std::span<const std::byte> bytes) : left_(bytes) {}

    template <class... Fields>
    void operator()(std::string_view name, std::uint32_t version, Fields&... fields) {
        const Section section = begin_section(name, version);
        (get(fields), ...);
        end_section(section);
    }

    template <class... Fields>
    void list(Fields&... fields) {
        (get(fields), ...);
    }

    template <PlainNumber T>
    void get(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            std::uint8_t byte = 0;
            get(byte);
            value = byte != 0;
            check(byte <= 1, "a flag is neither 0 nor 1");
        } else {
            std::uint64_t number = 0;
            const std::span<const std::byte> from = raw(sizeof(T));
            for (std::size_t i = 0; i < from.size(); ++i) {
                number |= std::uint64_t{std::to_integer<std::uint8_t>(from[i])} << (8 * i);
            }
            value = static_cast<T>(number);
        }
    }
    void get(Cycles& cycles) { get(cycles.value); }
    void get(std::string& text);
    void get(std::vector<std::byte>& bytes);
    /// A part of what is being read.
    void get(std::span<const std::byte>& bytes) { bytes = raw(get_count()); }
    /// The next bytes; none, and an error, when there are fewer.
    [[nodiscard]] std::span<const std::byte> raw(std::uint64_t bytes);
    template <class T>
    void get(std::optional<T>& value) {
        bool there = false;
        T content{};
        get(there);
        get(content);
        value = there ? std::optional<T>(content) : std::nullopt;
    }
    template <class T, std::size_t N>
    void get(std::array<T, N>& values) {
        for (T& value : values) {
            get(value);
        }
    }
    template <std::size_t N>
    void get(std::bitset<N>& bits) {
        for (std::size_t i = 0; i < N; ++i) {
            bool bit = false;
            get(bit);
            bits.set(i, bit);
        }
    }
    template <class T>
    void get(std::deque<T>& values) {
        get_list(values);
    }
    template <class T>
    void get(std::vector<T>& values) {
        get_list(values);
    }
    template <class K, class V>
    void get(std::map<K, V>& values) {
        values.clear();
        for (std::uint64_t n = get_count(); n > 0 && ok(); --n) {
            K key{};
            V value{};
            get(key);
            get(value);
            values[key] = value;
        }
    }
    template <class T>
        requires HasFields<T, StateReader>
    void get(T& value) {
        value.fields(*this);
    }

    /// The first check that fails is the reader's error.
    void check(bool holds, std::string_view what);
    [[nodiscard]] bool ok() const { return !error_; }
    /// Nothing wrong, and nothing left over. The error's `where` is the section.
    [[nodiscard]] Result<void> finish();

private:
    struct Section {
        std::string outer_name;
        std::span<const std::byte> after;
    };
    Section begin_section(std::string_view name, std::uint32_t version);
    void end_section(const Section& section);
    /// A number of elements: no more than there are bytes left.
    std::uint64_t get_count();
    template <class List>
    void get_list(List& values) {
        values.clear();
        for (std::uint64_t n = get_count(); n > 0 && ok(); --n) {
            typename List::value_type value{};
            get(value);
            values.push_back(value);
        }
    }

    std::span<const std::byte> left_;
    std::string section_;
    std::optional<Error> error_;
};

}  // namespace trapgate::emu
