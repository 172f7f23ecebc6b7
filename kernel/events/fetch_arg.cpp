// SPDX-License-Identifier: GPL-2.0-only
// Reads one word of a definition. The order of the checks is Linux's (kernel/trace/trace_probe.c,
// 6.12), because it decides which of two mistakes is reported, and so is the budget of operations:
// an argument has 16 of them, the last of which is the end.
#include "kernel/events/fetch_arg.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "kernel/events/btf_arg.hpp"
#include "kernel/events/fetch_names.hpp"
#include "kernel/events/numbers.hpp"

namespace trapgate::kernel {
namespace {

using Kind = FetchSource::Kind;
using enum ProbeErrorCode;

constexpr std::size_t kMaxName = 32;       // MAX_ARG_NAME_LEN
constexpr std::size_t kMaxText = 63;       // MAX_ARGSTR_LEN
constexpr std::uint64_t kMaxStack = 2048;  // THREAD_SIZE / sizeof(long)
constexpr unsigned kMaxArray = 64;         // MAX_ARRAY_LEN

constexpr std::array<std::string_view, 8> kReservedNames{
    "common_type", "common_flags", "common_preempt_count", "common_pid",
    "common_tgid", "__probe_ip",   "__probe_ret_ip",       "__probe_func"};

constexpr std::string_view kVariables = "$stack, $stackN, $retval, $comm, $argN and $arg* exist";

/// What stands behind NAME=, read in Linux's order.
class BodyParser {
public:
    BodyParser(const FetchPlace& place, const KernelFacts& facts, std::vector<unsigned>& entry_args)
        : place_(place), btf_(place, facts, entry_args) {}

    Fetched<void> parse(std::string_view body, std::size_t at, std::size_t used) {
        if (body.size() > kMaxText) {
            return wrong(ArgTooLong, at, fmt::format("at most {} characters", kMaxText), E2BIG);
        }
        if (body.empty()) {
            return wrong(NoArgBody, at, "NAME=%REG, NAME=+OFFS(%REG):TYPE, ...");
        }
        arg_.text = body;
        const std::size_t colon = body.find(':');
        const std::string_view value = body.substr(0, colon);
        type_at_ = at;
        if (colon != std::string_view::npos) {
            type_at_ = at + colon + 1;
            type_ = body.substr(colon + 1);
        }
        return parse_array()
            .and_then([&] { return choose_type(value); })
            .and_then([&] { return parse_value(value, at); })
            .and_then([&] { return apply_btf(at); })
            .and_then([&]() -> Fetched<void> {
                arg_.offset = used;
                return used + arg_.bytes() > kMaxRecordBytes
                           ? wrong(EventTooBig, at,
                                   fmt::format("a record has {} bytes", kMaxRecordBytes), E2BIG)
                           : Fetched<void>();
            })
            .and_then([&] { return finish(at); });
    }

    [[nodiscard]] FetchArg take() { return std::move(arg_); }

private:
    static tl::unexpected<FetchError> wrong(ProbeErrorCode code, std::size_t at,
                                            std::string hint = {}, int linux_errno = EINVAL) {
        return tl::unexpected(FetchError{code, at, std::move(hint), linux_errno});
    }

    Fetched<void> next_op(std::size_t at, int linux_errno = EINVAL) {
        return ops_.take()
                   ? Fetched<void>()
                   : wrong(TooManyOps, at, "follow fewer pointers in one argument", linux_errno);
    }

    Fetched<void> parse_array() {
        if (!type_) {
            return {};
        }
        const std::size_t open = type_->find('[');
        if (open == std::string_view::npos) {
            return {};
        }
        const std::string_view number = type_->substr(open + 1);
        const std::size_t close = number.find(']');
        const std::size_t at = type_at_ + open + 1;
        if (close == std::string_view::npos) {
            return wrong(ArrayNoClose, at + number.size(), "TYPE[COUNT]");
        }
        if (close + 1 != number.size()) {
            return wrong(BadArraySuffix, at + close + 1, "nothing comes behind the ]");
        }
        const std::optional<std::uint64_t> count = parse_unsigned(number.substr(0, close));
        if (!count || *count == 0 || *count > UINT32_MAX) {
            return wrong(BadArrayNum, at, fmt::format("1 to {}", kMaxArray));
        }
        if (*count > kMaxArray) {
            return wrong(ArrayTooBig, at, fmt::format("1 to {}", kMaxArray));
        }
        arg_.count = static_cast<unsigned>(*count);
        type_ = type_->substr(0, open);
        return {};
    }

    Fetched<void> choose_type(std::string_view value) {
        if (value == "$comm" || value == "$COMM" || value.starts_with("\\\"")) {
            if (arg_.count != 0 || (type_ && *type_ != "string")) {
                return wrong(NeedStringType, type_at_, "leave the type out, or say string");
            }
            arg_.type = find_fetch_type("string");
            return {};
        }
        arg_.type = type_ ? find_fetch_type(*type_) : &default_fetch_type();
        return arg_.type != nullptr ? Fetched<void>() : wrong(BadType, type_at_, type_hint(*type_));
    }

    Fetched<void> parse_value(std::string_view text, std::size_t at) {
        if (text.empty()) {
            return wrong(BadFetchArg, at, "%REG, $VAR, @ADDR, @SYM, +OFFS(...), \\IMM");
        }
        switch (text[0]) {
            case '$': return parse_variable(text, at);
            case '%': return parse_register(text.substr(1), at);
            case '@': return parse_memory(text.substr(1), at);
            case '+':
            case '-': return parse_deref(text, at);
            case '\\': return parse_immediate(text.substr(1), at);
            default: break;
        }
        if (is_letter(text[0]) || text[0] == '_') {
            if (!place_.at_entry && !place_.on_return) {
                return wrong(NosupBtfarg, at, "a function's arguments are known at its entry only");
            }
            return btf_.parse(text, at, arg_, ops_);
        }
        return wrong(BadFetchArg, at, "%REG, $VAR, @ADDR, @SYM, +OFFS(...), \\IMM");
    }

    Fetched<void> parse_variable(std::string_view text, std::size_t at) {
        const std::string_view name = text.substr(1);
        if (name.starts_with("retval")) {
            if (!place_.on_return) {
                return wrong(RetvalOnProbe, at, "a return probe has it: r:EVENT SYMBOL");
            }
            return btf_.parse(text, at, arg_, ops_);
        }
        if (name == "stack") {
            arg_.source.kind = Kind::StackPointer;
            return {};
        }
        if (name.starts_with("stack") && is_digit(name[5])) {
            const std::optional<std::uint64_t> index = parse_unsigned(name.substr(5), 10);
            if (index && *index > kMaxStack) {
                return wrong(BadStackNum, at, fmt::format("at most $stack{}", kMaxStack));
            }
            arg_.source = {Kind::Stack, index.value_or(0), {}};
            return index ? Fetched<void>() : wrong(BadVar, at, std::string(kVariables));
        }
        if (name == "comm" || name == "COMM") {
            arg_.source.kind = Kind::Comm;
            return {};
        }
        if (name.starts_with("arg*")) {
            return wrong(BadVarArgs, at, "$arg* stands alone, for all arguments");
        }
        if (name.starts_with("arg")) {
            return parse_argument(name.substr(3), at);
        }
        return wrong(BadVar, at, std::string(kVariables));
    }

    Fetched<void> parse_argument(std::string_view number, std::size_t at) {
        const std::optional<std::uint64_t> index = parse_unsigned(number, 10);
        if (!index) {
            return wrong(BadVar, at, std::string(kVariables));
        }
        if (*index == 0 || *index > kMaxStack) {
            return wrong(BadArgNum, at, "$arg1 is the first one");
        }
        if (!place_.at_entry && !place_.on_return) {
            return wrong(NofentryArgs, at, "registers and stack are known here: %di, $stack1");
        }
        btf_.use_argument(static_cast<unsigned>(*index - 1), arg_);
        return {};
    }

    Fetched<void> parse_register(std::string_view name, std::size_t at) {
        const std::optional<std::size_t> offset = register_offset(name);
        if (!offset) {
            return wrong(BadRegName, at, register_hint(name));
        }
        arg_.source = {Kind::Register, *offset, {}};
        return {};
    }

    Fetched<void> parse_memory(std::string_view text, std::size_t at) {
        if (text.starts_with('+')) {
            return wrong(FileOnKprobe, at, "@ADDR or @SYMBOL");
        }
        if (!text.empty() && is_digit(text[0])) {
            const std::optional<std::uint64_t> address = parse_unsigned(text);
            if (!address) {
                return wrong(BadMemAddr, at, "@0xffffffff81000000, or @SYMBOL");
            }
            arg_.source = {Kind::Immediate, *address, {}};
        } else {
            arg_.source = {Kind::Symbol, 0, std::string(text)};
            if (auto room = next_op(at); !room) {
                return room;
            }
        }
        arg_.derefs.push_back({});
        return next_op(at);
    }

    Fetched<void> parse_deref(std::string_view text, std::size_t at) {
        FetchDeref deref;
        const bool negative = text[0] == '-';
        std::size_t begin = 1;
        if (text.size() > 1 && text[1] == 'u') {
            deref.user = true;
            begin = 2;
        }
        const std::size_t open = text.find('(');
        if (open == std::string_view::npos) {
            return wrong(DerefNeedBrace, at, "+OFFS(ARG)");
        }
        // A second sign is none.
        const std::string number = (negative ? "-" : "") +
                                   std::string(text.substr(begin, open - begin));
        const std::optional<std::int64_t> offset = parse_signed(number);
        if (!offset) {
            return wrong(BadDerefOffs, at, "+8(ARG), -0x10(ARG)");
        }
        deref.offset = *offset;
        const std::size_t inner_at = at + open + 1;
        const std::string_view inner = text.substr(open + 1);
        const std::size_t close = inner.rfind(')');
        if (close == std::string_view::npos) {
            return wrong(DerefOpenBrace, inner_at + inner.size(), "a ) is missing");
        }
        if (auto parsed = parse_value(inner.substr(0, close), inner_at); !parsed) {
            return parsed;
        }
        const bool follows_nothing = arg_.derefs.empty() && (arg_.source.kind == Kind::Comm ||
                                                             arg_.source.kind == Kind::String);
        if (follows_nothing) {
            return wrong(CommCantDeref, inner_at, "it is text, not a pointer");
        }
        if (auto room = next_op(inner_at); !room) {
            return room;
        }
        arg_.derefs.push_back(deref);
        btf_.forget_type();
        return {};
    }

    Fetched<void> parse_immediate(std::string_view text, std::size_t at) {
        if (text.starts_with('"')) {
            if (text.size() < 2 || text.back() != '"') {
                return wrong(ImmstrNoClose, at + 1 + text.size(), "\\\"TEXT\"");
            }
            arg_.source = {Kind::String, 0, std::string(text.substr(1, text.size() - 2))};
            return {};
        }
        const bool sign = text.starts_with('-') || text.starts_with('+');
        std::optional<std::uint64_t> value;
        if (sign) {
            const auto number = parse_signed(text.starts_with('+') ? text.substr(1) : text);
            value = number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
        } else if (!text.empty() && is_digit(text[0])) {
            value = parse_unsigned(text);
        }
        if (!value) {
            return wrong(BadImm, at + 1, "\\1, \\-1, \\0xff or \\\"TEXT\"");
        }
        arg_.source = {Kind::Immediate, *value, {}};
        return {};
    }

    Fetched<void> apply_btf(std::size_t at) {
        if (!type_) {
            btf_.choose_type(arg_);
            return {};
        }
        return type_->find("string") == std::string_view::npos
                   ? Fetched<void>()
                   : btf_.prepare_string(at, *type_ == "ustring", arg_, ops_);
    }

    [[nodiscard]] bool is_text_source() const {
        return arg_.source.kind == Kind::Immediate || arg_.source.kind == Kind::Comm ||
               arg_.source.kind == Kind::String;
    }

    Fetched<void> check_string() {
        const bool pointer = !arg_.derefs.empty();
        if (arg_.type->string != FetchString::Symbol) {
            const bool array_of_nothing = arg_.count != 0 && !pointer;
            return (pointer || is_text_source()) && !array_of_nothing
                       ? Fetched<void>()
                       : wrong(BadString, type_at_, "follow a pointer: +0(ARG):string");
        }
        switch (arg_.source.kind) {
            case Kind::Register:
            case Kind::Stack:
            case Kind::ReturnValue:
            case Kind::Argument: break;
            default:
                if (!pointer) {
                    return wrong(BadSymstring, type_at_, "an address: %REG, $retval, +0(ARG)");
                }
        }
        return pointer && arg_.derefs.back().user
                   ? wrong(BadSymstring, type_at_, "symbols are the kernel's")
                   : Fetched<void>();
    }

    // The operations that store, shift and repeat.
    Fetched<void> finish(std::size_t at) {
        const bool pointer = !arg_.derefs.empty();
        bool extra_op = !pointer;
        if (arg_.type->is_string()) {
            if (auto good = check_string(); !good) {
                return good;
            }
            extra_op = arg_.type->string == FetchString::Symbol || !pointer || arg_.count != 0;
        }
        if (auto room = extra_op ? next_op(at, E2BIG) : Fetched<void>(); !room) {
            return room;
        }
        if (auto good = type_ ? parse_bits() : btf_.apply_bits(at, arg_, ops_); !good) {
            return good;
        }
        if (arg_.count == 0) {
            return {};
        }
        const bool memory = pointer && arg_.type->string != FetchString::Symbol &&
                            (arg_.type->is_string() || !arg_.derefs.back().user);
        return memory ? next_op(at, E2BIG)
                      : wrong(BadString, type_at_, "an array lies in memory: +0(ARG):u32[4]");
    }

    Fetched<void> parse_bits() {
        if (!type_->starts_with('b')) {
            return {};
        }
        const auto bad = [&] { return wrong(BadBitfield, type_at_, "b<width>@<offset>/<size>"); };
        const LeadingNumber width = leading_number(type_->substr(1));
        const std::string_view rest = type_->substr(1 + width.length);
        if (width.value == 0 || !rest.starts_with('@')) {
            return bad();
        }
        const LeadingNumber offset = leading_number(rest.substr(1));
        const std::string_view size = rest.substr(1 + offset.length);
        const unsigned base = arg_.type->bytes * 8U;
        if (offset.length == 0 || !size.starts_with('/') || width.value > base ||
            offset.value > base - width.value) {
            return bad();
        }
        if (!ops_.take()) {
            return bad();
        }
        arg_.bits = {static_cast<unsigned>(width.value), static_cast<unsigned>(offset.value), base};
        return {};
    }

    const FetchPlace& place_;
    BtfArgs btf_;
    FetchOps ops_;
    FetchArg arg_;
    std::optional<std::string_view> type_;
    std::size_t type_at_ = 0;
};

// BTF calls an argument so, or "argN".
std::string default_name(std::string_view word, std::size_t index) {
    const std::string_view value = word.substr(0, word.find(':'));
    return is_good_name(value) ? std::string(value) : fmt::format("arg{}", index + 1);
}

bool is_used(std::string_view name, std::span<const FetchArg> earlier) {
    return std::ranges::find(kReservedNames, name) != kReservedNames.end() ||
           std::ranges::find(earlier, name, &FetchArg::name) != earlier.end();
}

}  // namespace

tl::expected<FetchArg, FetchError> parse_fetch_arg(std::string_view word,
                                                   std::span<const FetchArg> earlier,
                                                   const FetchPlace& place,
                                                   const KernelFacts& facts,
                                                   std::vector<unsigned>& entry_args) {
    const auto wrong = [](ProbeErrorCode code, std::string hint) {
        return tl::unexpected(FetchError{code, 0, std::move(hint)});
    };
    const std::size_t equals = word.find('=');
    const bool named = equals != std::string_view::npos;
    if (named && equals > kMaxName) {
        return wrong(ArgNameTooLong, fmt::format("at most {} characters", kMaxName));
    }
    if (named && equals == 0) {
        return wrong(NoArgName, "NAME=ARG, or ARG alone");
    }
    const std::string name = named ? std::string(word.substr(0, equals))
                                   : default_name(word, earlier.size());
    if (!is_good_name(name)) {
        return wrong(BadArgName, "letters, digits and underscores, not starting with a digit");
    }
    if (is_used(name, earlier)) {
        return wrong(UsedArgName, "each argument has a name of its own: NAME=ARG");
    }
    const std::size_t body = named ? equals + 1 : 0;
    const std::size_t used = earlier.empty() ? 0 : earlier.back().offset + earlier.back().bytes();
    BodyParser parser(place, facts, entry_args);
    return parser.parse(word.substr(body), body, used).map([&] {
        FetchArg arg = parser.take();
        arg.name = name;
        return arg;
    });
}

}  // namespace trapgate::kernel
