// SPDX-License-Identifier: GPL-2.0-only
// What can be wrong with a probe definition, in Linux's words: the codes and sentences of
// kernel/trace/trace_probe.h (6.12), and where the caret points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/result.hpp"

namespace trapgate::kernel {

enum class ProbeErrorCode : std::uint8_t {
    BadMaxactType,
    BadMaxact,
    MaxactTooBig,
    BadProbeAddr,
    NonUniqSymbol,
    BadRetprobe,
    BadAddrSuffix,
    NoGroupName,
    GroupTooLong,
    BadGroupName,
    NoEventName,
    EventTooLong,
    BadEventName,
    RetvalOnProbe,
    NoRetval,
    BadStackNum,
    BadArgNum,
    BadVar,
    BadRegName,
    BadMemAddr,
    BadImm,
    ImmstrNoClose,
    FileOnKprobe,
    TooManyOps,
    DerefNeedBrace,
    BadDerefOffs,
    DerefOpenBrace,
    CommCantDeref,
    BadFetchArg,
    ArrayNoClose,
    BadArraySuffix,
    BadArrayNum,
    ArrayTooBig,
    BadType,
    BadString,
    BadSymstring,
    BadBitfield,
    ArgNameTooLong,
    NoArgName,
    BadArgName,
    UsedArgName,
    ArgTooLong,
    NoArgBody,
    BadInsnBndry,
    FailRegProbe,
    DiffProbeType,
    DiffArgType,
    SameProbe,
    NoEpFilter,
    NosupBtfarg,
    NoBtfarg,
    NoBtfEntry,
    BadVarArgs,
    NofentryArgs,
    DoubleArgs,
    Args2long,
    NoPtrStrct,
    NosupDatArg,
    BadHyphen,
    NoBtfField,
    BadBtfTid,
    BadType4str,
    NeedStringType,
    EventTooBig,
    TooManyArgs,  ///< Linux answers E2BIG without a word.
    NoCommand,    ///< Linux answers EINVAL without a word: neither p, r nor -, or nothing to probe.
};

/// "BAD_REG_NAME"
[[nodiscard]] std::string_view code_name(ProbeErrorCode code);
/// "Invalid register name"
[[nodiscard]] std::string_view message(ProbeErrorCode code);

/// One mistake in one command.
struct ProbeError {
    ProbeErrorCode code = ProbeErrorCode::NoCommand;
    std::size_t caret = 0;  ///< Column of the command, counted from 0.
    std::string command;    ///< Its words, one space between them, as Linux's log has it.
    std::string hint;       ///< Ours: the next step.
    int linux_errno = EINVAL;
    bool operator==(const ProbeError&) const = default;
};

template <class T>
using ProbeResult = tl::expected<T, ProbeError>;

/// As in Linux's error_log, behind the time: "trace_kprobe: error: Invalid register name", the
/// command, and a caret below it. Three lines.
[[nodiscard]] std::string error_log_text(const ProbeError& error);

/// The same as an error of ours: the log with the code's name, and the hint.
[[nodiscard]] Error to_error(const ProbeError& error);

}  // namespace trapgate::kernel
