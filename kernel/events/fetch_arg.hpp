// SPDX-License-Identifier: GPL-2.0-only
// One fetch argument, "NAME=+8(%di):u32": where its value comes from, which pointers are followed,
// and what it is in the record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "kernel/events/fetch_type.hpp"
#include "kernel/events/kernel_facts.hpp"
#include "kernel/events/probe_error.hpp"

namespace trapgate::kernel {

/// Where a value begins.
struct FetchSource {
    enum class Kind : std::uint8_t {
        Register,  ///< `number`: its offset in struct pt_regs.
        Stack,     ///< `number`: which word of the kernel stack.
        StackPointer,
        ReturnValue,
        Immediate,  ///< `number`
        String,     ///< `text`
        Comm,
        Argument,       ///< `number`: of the function, from 0, at its entry.
        EntryArgument,  ///< `number`: index into ProbeDefinition::entry_args.
        Symbol,         ///< `text`, plus `number`.
    };
    Kind kind = Kind::Immediate;
    std::uint64_t number = 0;
    std::string text;
    bool operator==(const FetchSource&) const = default;
};

/// One pointer followed.
struct FetchDeref {
    std::int64_t offset = 0;
    bool user = false;  ///< Only memory below the kernel.
    bool operator==(const FetchDeref&) const = default;
};

/// Some bits of a value of `base` bits: shifted up and down again, without the sign.
struct FetchBits {
    unsigned width = 0;
    unsigned offset = 0;
    unsigned base = 0;
    bool operator==(const FetchBits&) const = default;
};

struct FetchArg {
    std::string name;
    std::string text;  ///< As typed, without the name.
    FetchSource source;
    std::vector<FetchDeref> derefs;  ///< The innermost first.
    const FetchType* type = nullptr;
    std::optional<FetchBits> bits;
    unsigned count = 0;      ///< Elements of an array; 0: not an array.
    std::size_t offset = 0;  ///< In the record, behind its head.

    [[nodiscard]] std::size_t bytes() const { return type->bytes * (count == 0 ? 1U : count); }
    bool operator==(const FetchArg&) const = default;
};

/// Where the arguments are fetched.
struct FetchPlace {
    std::string function;  ///< Whose BTF is asked; empty for an address.
    bool at_entry = false;
    bool on_return = false;
};

/// A mistake in one word.
struct FetchError {
    ProbeErrorCode code;
    std::size_t offset;  ///< In the word.
    std::string hint;
    int linux_errno = EINVAL;
};

/// Bytes that the fixed part of a record may have (MAX_PROBE_EVENT_SIZE).
inline constexpr std::size_t kMaxRecordBytes = 3072;

/// Reads `word`, which comes behind `earlier` ones. Entry arguments that a return probe needs are
/// added to `entry_args`.
[[nodiscard]] tl::expected<FetchArg, FetchError> parse_fetch_arg(std::string_view word,
                                                                 std::span<const FetchArg> earlier,
                                                                 const FetchPlace& place,
                                                                 const KernelFacts& facts,
                                                                 std::vector<unsigned>& entry_args);

}  // namespace trapgate::kernel
