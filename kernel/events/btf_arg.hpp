// SPDX-License-Identifier: GPL-2.0-only
// Arguments by the names that BTF gives them: "file->f_flags", "$retval", "filename:string".
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "kernel/events/fetch_arg.hpp"

namespace trapgate::kernel {

template <class T>
using Fetched = tl::expected<T, FetchError>;

/// The operations of one argument, counted as Linux lays them out: 15 and the end.
class FetchOps {
public:
    /// One more; false when there is no room.
    [[nodiscard]] bool take() { return ++at_ < kEnd; }

private:
    static constexpr unsigned kEnd = 15;  // FETCH_INSN_MAX - 1
    unsigned at_ = 0;
};

/// What BTF has to say of one argument while it is read.
class BtfArgs {
public:
    /// All must outlive it.
    BtfArgs(const FetchPlace& place, const KernelFacts& facts, std::vector<unsigned>& entry_args)
        : place_(place), facts_(facts), entry_args_(entry_args) {}

    /// "$retval", "NAME", "NAME->FIELD.FIELD->FIELD": source and derefs of `arg`.
    Fetched<void> parse(std::string_view text, std::size_t at, FetchArg& arg, FetchOps& ops);
    /// The function's argument `index`, from 0.
    void use_argument(unsigned index, FetchArg& arg);
    /// Behind another deref the type is unknown.
    void forget_type() { type_.reset(); }

    /// For an argument without a type: the type that BTF says.
    void choose_type(FetchArg& arg) const;
    /// For one of type string: a char * is followed.
    Fetched<void> prepare_string(std::size_t at, bool user, FetchArg& arg, FetchOps& ops) const;
    /// For one without a type that is a bitfield.
    Fetched<void> apply_bits(std::size_t at, FetchArg& arg, FetchOps& ops) const;

private:
    Fetched<void> parse_fields(std::string_view text, std::size_t at, FetchArg& arg, FetchOps& ops);
    [[nodiscard]] bool is_bitfield() const { return bits_ % 8 != 0 || bit_offset_ != 0; }

    const FetchPlace& place_;
    const KernelFacts& facts_;
    std::vector<unsigned>& entry_args_;
    std::optional<BtfType> type_;
    std::uint32_t bits_ = 0;
    std::uint32_t bit_offset_ = 0;
};

}  // namespace trapgate::kernel
