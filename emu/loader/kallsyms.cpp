// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/kallsyms.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace trapgate::emu {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kTokens = 256;
constexpr std::size_t kTokenIndexBytes = kTokens * 2;
constexpr std::size_t kLongestToken = 512;  // KSYM_NAME_LEN
constexpr std::size_t kNamesPerMarker = 256;
constexpr std::uint32_t kMostSymbols = 1U << 22;
constexpr std::uint64_t kKernelHalf = 0xffff'8000'0000'0000;
// How many places and names may be looked at in search of the tables: far more than any kernel
// needs, and a bound on the time that hostile bytes can take.
constexpr std::uint64_t kWork = 1ULL << 26;

template <class T>
T load(Bytes data, std::size_t at) {
    T value;
    std::memcpy(&value, data.data() + at, sizeof(value));
    return value;
}

constexpr std::size_t align(std::size_t at, std::size_t to) { return (at + to - 1) & ~(to - 1); }

constexpr bool printable(char c) { return c > ' ' && c < 0x7f; }
constexpr bool is_type(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '?' || c == '-';
}

struct Tokens {
    std::array<std::string_view, kTokens> text;
    std::size_t table = 0;      ///< Offset of token_table.
    std::size_t index_end = 0;  ///< First byte after token_index.
};

struct Names {
    std::size_t num_syms_at = 0;
    std::size_t first = 0;
    std::uint32_t count = 0;
};

struct Addresses {
    std::size_t offsets = 0;
    std::uint64_t base = 0;
    bool absolute_percpu = false;
};

// Searches one segment.
class Search {
public:
    Search(Bytes data, std::uint64_t& work) : data_(data), work_(work) {}

    std::vector<Symbol> run() {
        for (std::size_t at = 0; at + kTokenIndexBytes <= data_.size(); at += 4) {
            if (!looks_like_index(at)) {
                continue;
            }
            const std::optional<Tokens> tokens = read_tokens(at);
            if (!tokens) {
                continue;
            }
            std::vector<Symbol> symbols = symbols_with(*tokens);
            if (!symbols.empty() || work_ == 0) {
                return symbols;
            }
        }
        return {};
    }

private:
    [[nodiscard]] std::uint16_t index(std::size_t at, std::size_t i) const {
        return load<std::uint16_t>(data_, at + 2 * i);
    }

    [[nodiscard]] bool looks_like_index(std::size_t at) const {
        if (index(at, 0) != 0) {
            return false;
        }
        for (std::size_t i = 1; i < kTokens; ++i) {
            const std::uint16_t before = index(at, i - 1);
            const std::uint16_t here = index(at, i);
            if (here <= before || here - before > static_cast<int>(kLongestToken)) {
                return false;
            }
        }
        return true;
    }

    // The table ends where its index begins, but for the padding; where it begins follows from the
    // length of the last string, which is not known before.
    std::optional<Tokens> read_tokens(std::size_t index_at) const {
        const std::size_t last = index(index_at, kTokens - 1);
        for (std::size_t tail = 1; tail <= kLongestToken + 8; ++tail) {
            if (last + tail > index_at) {
                return std::nullopt;
            }
            const std::size_t table = index_at - last - tail;
            if (table % 4 == 0) {
                if (std::optional<Tokens> tokens = tokens_between(table, index_at)) {
                    return tokens;
                }
            }
        }
        return std::nullopt;
    }

    std::optional<Tokens> tokens_between(std::size_t table, std::size_t index_at) const {
        Tokens tokens;
        tokens.table = table;
        tokens.index_end = index_at + kTokenIndexBytes;
        const char* const text = reinterpret_cast<const char*>(data_.data());
        for (std::size_t i = 0; i < kTokens; ++i) {
            const std::size_t begin = table + index(index_at, i);
            const std::size_t end = i + 1 < kTokens ? table + index(index_at, i + 1) : index_at;
            const void* const nul = std::memchr(text + begin, 0, end - begin);
            if (nul == nullptr) {
                return std::nullopt;
            }
            const auto length = static_cast<std::size_t>(static_cast<const char*>(nul) - text) -
                                begin;
            const std::size_t rest = end - begin - length;  // the NUL, and padding after the last
            if (i + 1 < kTokens ? rest != 1 : rest > 8) {
                return std::nullopt;
            }
            tokens.text[i] = {text + begin, length};
            if (!std::all_of(tokens.text[i].begin(), tokens.text[i].end(), printable)) {
                return std::nullopt;
            }
        }
        return tokens;
    }

    std::vector<Symbol> symbols_with(const Tokens& tokens) {
        for (std::size_t step = 4; step <= tokens.table && work_ != 0; step += 4) {
            --work_;
            const std::size_t at = (tokens.table & ~std::size_t{3}) - step;
            const auto count = load<std::uint32_t>(data_, at);
            if (count == 0 || count > kMostSymbols) {
                continue;
            }
            for (const std::size_t alignment : {std::size_t{8}, std::size_t{4}}) {
                const Names names{at, align(at + 4, alignment), count};
                if (at % alignment != 0 ||
                    (alignment == 8 && load<std::uint32_t>(data_, at + 4) != 0) ||
                    !is_names(tokens, names, alignment)) {
                    continue;
                }
                if (const auto addresses = find_addresses(tokens, names)) {
                    return decode(tokens, names, *addresses);
                }
            }
        }
        return {};
    }

    struct Name {
        std::size_t first = 0;  ///< Of the token numbers.
        std::size_t length = 0;
    };

    // The name at `at`, which is left at the next one.
    std::optional<Name> next_name(const Tokens& tokens, std::size_t& at) const {
        constexpr std::size_t kContinues = 0x80;
        if (at + 2 > tokens.table) {
            return std::nullopt;
        }
        std::size_t length = load<std::uint8_t>(data_, at++);
        if (length >= kContinues) {
            length = (length & (kContinues - 1)) + load<std::uint8_t>(data_, at++) * kContinues;
        }
        if (length == 0 || length > kLongestToken || length > tokens.table - at) {
            return std::nullopt;
        }
        const std::string_view first = tokens.text[load<std::uint8_t>(data_, at)];
        if (first.empty() || !is_type(first.front())) {
            return std::nullopt;
        }
        const Name name{at, length};
        at += length;
        return name;
    }

    // Are there `count` names, and after them the markers that belong to them?
    bool is_names(const Tokens& tokens, const Names& names, std::size_t alignment) {
        std::vector<std::uint32_t> markers;
        std::size_t at = names.first;
        for (std::uint32_t i = 0; i < names.count; ++i) {
            if (work_ == 0) {
                return false;
            }
            --work_;
            if (i % kNamesPerMarker == 0) {
                markers.push_back(static_cast<std::uint32_t>(at - names.first));
            }
            if (!next_name(tokens, at)) {
                return false;
            }
        }
        const std::size_t there = align(at, alignment);
        const std::size_t bytes = markers.size() * sizeof(std::uint32_t);
        return there <= tokens.table && bytes <= tokens.table - there &&
               std::memcmp(markers.data(), data_.data() + there, bytes) == 0;
    }

    std::optional<Addresses> find_addresses(const Tokens& tokens, const Names& names) const {
        const std::size_t bytes = names.count * sizeof(std::int32_t);
        // Since 6.4, behind the tokens.
        for (const std::size_t alignment : {std::size_t{8}, std::size_t{4}}) {
            const std::size_t behind = align(tokens.index_end, alignment);
            if (const auto found = addresses_at(behind, align(behind + bytes, 8), names.count)) {
                return found;
            }
        }
        // Before, in front of num_syms.
        const std::size_t base = (names.num_syms_at & ~std::size_t{7}) - 8;
        const std::size_t padded = align(bytes, 8);
        if (names.num_syms_at >= 8 && base >= padded) {
            return addresses_at(base - padded, base, names.count);
        }
        return std::nullopt;
    }

    std::optional<Addresses> addresses_at(std::size_t offsets, std::size_t base,
                                          std::uint32_t count) const {
        if (base > data_.size() || data_.size() - base < 8) {
            return std::nullopt;
        }
        Addresses found{offsets, load<std::uint64_t>(data_, base), false};
        if (found.base < kKernelHalf) {
            return std::nullopt;
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            found.absolute_percpu |= load<std::int32_t>(data_, offsets + 4ULL * i) < 0;
        }
        std::uint64_t last = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint64_t address = address_of(found, i);
            if (address < last) {
                return std::nullopt;
            }
            last = address;
        }
        return found;
    }

    [[nodiscard]] std::uint64_t address_of(const Addresses& addresses, std::uint32_t i) const {
        const auto offset = load<std::int32_t>(data_, addresses.offsets + 4ULL * i);
        if (!addresses.absolute_percpu) {
            return addresses.base + static_cast<std::uint32_t>(offset);
        }
        return offset >= 0 ? static_cast<std::uint64_t>(offset)
                           : addresses.base - 1 - static_cast<std::uint64_t>(std::int64_t{offset});
    }

    [[nodiscard]] std::vector<Symbol> decode(const Tokens& tokens, const Names& names,
                                             const Addresses& addresses) const {
        std::vector<Symbol> symbols;
        symbols.reserve(names.count);
        std::size_t at = names.first;
        std::string text;
        for (std::uint32_t i = 0; i < names.count; ++i) {
            const std::optional<Name> name = next_name(tokens, at);
            text.clear();
            for (std::size_t j = 0; j < name->length; ++j) {
                text += tokens.text[load<std::uint8_t>(data_, name->first + j)];
            }
            symbols.push_back({text.substr(1), GuestVa{address_of(addresses, i)}, 0, text[0]});
        }
        return symbols;
    }

    Bytes data_;
    std::uint64_t& work_;
};

void set_sizes(std::vector<Symbol>& symbols, std::span<const ElfSegment> segments) {
    std::uint64_t next = UINT64_MAX;
    for (std::size_t i = symbols.size(); i-- > 0;) {
        const GuestVa address = symbols[i].address;
        if (i + 1 < symbols.size() && symbols[i + 1].address != address) {
            next = symbols[i + 1].address.value;
        }
        if (address.value < kKernelHalf) {
            continue;
        }
        for (const ElfSegment& segment : segments) {
            const std::uint64_t inside = address - segment.virtual_address;
            if (address >= segment.virtual_address && inside < segment.memory_bytes) {
                symbols[i].size = std::min(next - address.value, segment.memory_bytes - inside);
            }
        }
    }
}

}  // namespace

std::vector<Symbol> find_kallsyms(std::span<const ElfSegment> segments) {
    std::uint64_t work = kWork;
    for (const ElfSegment& segment : segments) {
        std::vector<Symbol> symbols = Search(segment.bytes, work).run();
        if (!symbols.empty()) {
            set_sizes(symbols, segments);
            return symbols;
        }
    }
    return {};
}

std::span<const std::byte> find_btf(std::span<const ElfSegment> segments) {
    // magic 0xeb9f, version 1, flags 0, header length 24
    constexpr std::string_view kStart("\x9f\xeb\x01\x00\x18\x00\x00\x00", 8);
    constexpr std::size_t kHeaderBytes = 24;
    Bytes best;
    for (const ElfSegment& segment : segments) {
        const std::string_view text(reinterpret_cast<const char*>(segment.bytes.data()),
                                    segment.bytes.size());
        for (std::size_t at = text.find(kStart); at != std::string_view::npos;
             at = text.find(kStart, at + 1)) {
            if (segment.bytes.size() - at < kHeaderBytes) {
                break;
            }
            const auto type_offset = load<std::uint32_t>(segment.bytes, at + 8);
            const auto type_bytes = load<std::uint32_t>(segment.bytes, at + 12);
            const auto string_offset = load<std::uint32_t>(segment.bytes, at + 16);
            const auto string_bytes = load<std::uint32_t>(segment.bytes, at + 20);
            const std::uint64_t end = kHeaderBytes + std::uint64_t{string_offset} + string_bytes;
            if (type_offset != 0 || type_bytes == 0 || string_offset < type_bytes ||
                string_bytes < 2 || end > text.size() - at) {
                continue;
            }
            const bool strings_are_closed = text[at + kHeaderBytes + string_offset] == '\0' &&
                                            text[at + end - 1] == '\0';
            if (strings_are_closed && end > best.size()) {
                best = segment.bytes.subspan(at, end);
            }
        }
    }
    return best;
}

}  // namespace trapgate::emu
