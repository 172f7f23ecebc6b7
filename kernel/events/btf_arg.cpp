// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/btf_arg.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.hpp"

namespace trapgate::kernel {
namespace {

using Kind = FetchSource::Kind;
using enum ProbeErrorCode;

tl::unexpected<FetchError> wrong(ProbeErrorCode code, std::size_t at, std::string hint,
                                 int linux_errno = EINVAL) {
    return tl::unexpected(FetchError{code, at, std::move(hint), linux_errno});
}

constexpr std::uint32_t kCharBits = 8;

// One step of a chain of members.
struct Piece {
    std::string_view name;
    std::string_view rest;    ///< Behind the separator.
    std::size_t rest_at = 0;  ///< Of the text.
    bool arrow = false, dot = false;
};

Fetched<Piece> split(std::string_view text, std::size_t at) {
    const std::size_t end = text.find_first_of(".-");
    Piece piece{.name = text.substr(0, end), .rest = {}};
    if (end == std::string_view::npos) {
        return piece;
    }
    piece.dot = text[end] == '.';
    piece.arrow = text.substr(end).starts_with("->");
    if (!piece.dot && !piece.arrow) {
        return wrong(BadHyphen, at + end, "NAME->FIELD");
    }
    piece.rest_at = end + (piece.arrow ? 2 : 1);
    piece.rest = text.substr(piece.rest_at);
    return piece;
}

std::string names_hint(std::string_view word, const std::vector<std::string>& names,
                       std::string_view what) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    if (const std::string near = did_you_mean(nearest_names(word, views)); !near.empty()) {
        return near;
    }
    constexpr std::size_t kShown = 12;
    const std::vector<std::string> some(
        names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
    return names.empty() ? fmt::format("it has no {}", what)
                         : fmt::format("there is {}{}", fmt::join(some, ", "),
                                       some.size() < names.size() ? ", ..." : "");
}

}  // namespace

void BtfArgs::use_argument(unsigned index, FetchArg& arg) {
    if (place_.at_entry) {
        arg.source = {Kind::Argument, index, {}};
        return;
    }
    const auto found = std::ranges::find(entry_args_, index);
    arg.source = {Kind::EntryArgument, static_cast<std::uint64_t>(found - entry_args_.begin()), {}};
    if (found == entry_args_.end()) {
        entry_args_.push_back(index);
    }
}

Fetched<void> BtfArgs::parse(std::string_view text, std::size_t at, FetchArg& arg, FetchOps& ops) {
    const bool is_result = place_.on_return && text.starts_with("$retval");
    if (place_.function.empty() && is_result) {
        arg.source.kind = Kind::ReturnValue;
        return {};
    }
    const Fetched<Piece> piece = split(text, at);
    if (!piece) {
        return tl::unexpected(piece.error());
    }
    if (piece->dot) {
        return wrong(NosupDatArg, at + piece->rest_at, "an argument is a pointer: NAME->FIELD",
                     EOPNOTSUPP);
    }
    const std::optional<BtfFunction> function = facts_.function(place_.function);
    std::uint32_t type = 0;
    if (is_result && piece->name == "$retval") {
        arg.source.kind = Kind::ReturnValue;
        if (!function) {
            return piece->arrow
                       ? wrong(NoBtfEntry, at + piece->rest_at, "use offsets: +8($retval)", ENOENT)
                       : Fetched<void>();
        }
        if (function->result == 0) {
            return wrong(NoRetval, at, place_.function + " returns nothing", ENOENT);
        }
        type = function->result;
    } else {
        if (!function || function->parameters.empty()) {
            return wrong(NoBtfEntry, at, "name a register: %di, or an argument: $arg1", ENOENT);
        }
        const auto parameter = std::ranges::find(function->parameters, piece->name,
                                                 &BtfFunction::Parameter::name);
        if (parameter == function->parameters.end()) {
            std::vector<std::string> names;
            std::ranges::transform(function->parameters, std::back_inserter(names),
                                   &BtfFunction::Parameter::name);
            return wrong(NoBtfarg, at, names_hint(piece->name, names, "arguments"), ENOENT);
        }
        use_argument(static_cast<unsigned>(parameter - function->parameters.begin()), arg);
        type = parameter->type;
    }
    type_ = facts_.type(type);
    if (!type_) {
        return wrong(BadBtfTid, at, "the kernel's BTF is damaged");
    }
    return piece->arrow ? parse_fields(piece->rest, at + piece->rest_at, arg, ops)
                        : Fetched<void>();
}

Fetched<void> BtfArgs::parse_fields(std::string_view text, std::size_t at, FetchArg& arg,
                                    FetchOps& ops) {
    Piece piece{.name = {}, .rest = text, .rest_at = 0, .arrow = true};
    while (piece.arrow) {
        if (type_->kind != BtfType::Kind::Pointer) {
            return wrong(NoPtrStrct, at, "only pointers have ->");
        }
        type_ = facts_.type(type_->target);
        std::uint32_t bits = 0;
        do {
            const std::string_view names = piece.rest;
            const Fetched<Piece> next = split(names, at);
            if (!next) {
                return tl::unexpected(next.error());
            }
            piece = *next;
            if (!type_ || type_->kind != BtfType::Kind::Structure) {
                return wrong(BadBtfTid, at, "not a structure whose members are known");
            }
            const std::optional<BtfMember> member = facts_.member(type_->id, piece.name);
            if (!member) {
                return wrong(NoBtfField, at,
                             names_hint(piece.name, facts_.member_names(type_->id), "members"),
                             ENOENT);
            }
            bits += member->bit_offset;
            bits_ = member->bitfield_bits;
            type_ = facts_.type(member->type);
            if (!type_) {
                return wrong(BadBtfTid, at, "the kernel's BTF is damaged");
            }
            at += piece.rest_at;
        } while (piece.dot);
        if (!ops.take()) {
            return wrong(TooManyOps, at, "follow fewer pointers in one argument");
        }
        arg.derefs.push_back({static_cast<std::int64_t>(bits / 8), false});
        bit_offset_ = bits % 8;
    }
    return {};
}

void BtfArgs::choose_type(FetchArg& arg) const {
    if (!type_) {
        return;
    }
    const auto integer = [](bool is_signed, std::uint32_t bits) {
        return find_fetch_type(fmt::format("{}{}", is_signed ? 's' : 'u', bits));
    };
    const FetchType* type = nullptr;
    if (is_bitfield()) {
        type = integer(false, 64);
    } else if (type_->kind == BtfType::Kind::Enum) {
        type = integer(true, 32);
    } else if (type_->kind == BtfType::Kind::Enum64) {
        type = integer(true, 64);
    } else if (type_->kind == BtfType::Kind::Integer) {
        type = integer(type_->is_signed, type_->bits);
    }
    arg.type = type == nullptr ? &default_fetch_type() : type;
}

Fetched<void> BtfArgs::prepare_string(std::size_t at, bool user, FetchArg& arg,
                                      FetchOps& ops) const {
    if (!type_) {
        return {};
    }
    const std::optional<BtfType> target = facts_.type(type_->target);
    const bool of_char = target && target->kind == BtfType::Kind::Integer &&
                         target->bits == kCharBits;
    if (of_char && type_->kind == BtfType::Kind::Array && !arg.derefs.empty()) {
        return {};
    }
    if (!of_char || type_->kind != BtfType::Kind::Pointer) {
        return wrong(BadType4str, at, "a string is a char * or a char array");
    }
    if (!ops.take()) {
        return wrong(TooManyOps, at, "follow fewer pointers in one argument", E2BIG);
    }
    arg.derefs.push_back({0, user});
    return {};
}

Fetched<void> BtfArgs::apply_bits(std::size_t at, FetchArg& arg, FetchOps& ops) const {
    if (!type_ || !is_bitfield()) {
        return {};
    }
    if (!ops.take() || bits_ == 0 || bits_ + bit_offset_ > 64) {
        return wrong(TooManyOps, at, "follow fewer pointers in one argument");
    }
    arg.bits = FetchBits{bits_, bit_offset_, 64};
    return {};
}

}  // namespace trapgate::kernel
