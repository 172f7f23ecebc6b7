// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/probe_error.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.hpp"

namespace trapgate::kernel {
namespace {

using enum ProbeErrorCode;

struct Row {
    ProbeErrorCode code;
    std::string_view name;
    std::string_view text;
};

constexpr std::array kRows{
    Row{BadMaxactType, "BAD_MAXACT_TYPE", "Maxactive is only for function exit"},
    Row{BadMaxact, "BAD_MAXACT", "Invalid maxactive number"},
    Row{MaxactTooBig, "MAXACT_TOO_BIG", "Maxactive is too big"},
    Row{BadProbeAddr, "BAD_PROBE_ADDR", "Invalid probed address or symbol"},
    Row{NonUniqSymbol, "NON_UNIQ_SYMBOL", "The symbol is not unique"},
    Row{BadRetprobe, "BAD_RETPROBE", "Retprobe address must be an function entry"},
    Row{BadAddrSuffix, "BAD_ADDR_SUFFIX", "Invalid probed address suffix"},
    Row{NoGroupName, "NO_GROUP_NAME", "Group name is not specified"},
    Row{GroupTooLong, "GROUP_TOO_LONG", "Group name is too long"},
    Row{BadGroupName, "BAD_GROUP_NAME", "Group name must follow the same rules as C identifiers"},
    Row{NoEventName, "NO_EVENT_NAME", "Event name is not specified"},
    Row{EventTooLong, "EVENT_TOO_LONG", "Event name is too long"},
    Row{BadEventName, "BAD_EVENT_NAME", "Event name must follow the same rules as C identifiers"},
    Row{RetvalOnProbe, "RETVAL_ON_PROBE", "$retval is not available on probe"},
    Row{NoRetval, "NO_RETVAL", "This function returns 'void' type"},
    Row{BadStackNum, "BAD_STACK_NUM", "Invalid stack number"},
    Row{BadArgNum, "BAD_ARG_NUM", "Invalid argument number"},
    Row{BadVar, "BAD_VAR", "Invalid $-variable specified"},
    Row{BadRegName, "BAD_REG_NAME", "Invalid register name"},
    Row{BadMemAddr, "BAD_MEM_ADDR", "Invalid memory address"},
    Row{BadImm, "BAD_IMM", "Invalid immediate value"},
    Row{ImmstrNoClose, "IMMSTR_NO_CLOSE", "String is not closed with '\"'"},
    Row{FileOnKprobe, "FILE_ON_KPROBE", "File offset is not available with kprobe"},
    Row{TooManyOps, "TOO_MANY_OPS", "Dereference is too much nested"},
    Row{DerefNeedBrace, "DEREF_NEED_BRACE", "Dereference needs a brace"},
    Row{BadDerefOffs, "BAD_DEREF_OFFS", "Invalid dereference offset"},
    Row{DerefOpenBrace, "DEREF_OPEN_BRACE", "Dereference brace is not closed"},
    Row{CommCantDeref, "COMM_CANT_DEREF", "$comm can not be dereferenced"},
    Row{BadFetchArg, "BAD_FETCH_ARG", "Invalid fetch argument"},
    Row{ArrayNoClose, "ARRAY_NO_CLOSE", "Array is not closed"},
    Row{BadArraySuffix, "BAD_ARRAY_SUFFIX", "Array has wrong suffix"},
    Row{BadArrayNum, "BAD_ARRAY_NUM", "Invalid array size"},
    Row{ArrayTooBig, "ARRAY_TOO_BIG", "Array number is too big"},
    Row{BadType, "BAD_TYPE", "Unknown type is specified"},
    Row{BadString, "BAD_STRING", "String accepts only memory argument"},
    Row{BadSymstring, "BAD_SYMSTRING", "Symbol String doesn't accept data/userdata"},
    Row{BadBitfield, "BAD_BITFIELD", "Invalid bitfield"},
    Row{ArgNameTooLong, "ARG_NAME_TOO_LONG", "Argument name is too long"},
    Row{NoArgName, "NO_ARG_NAME", "Argument name is not specified"},
    Row{BadArgName, "BAD_ARG_NAME", "Argument name must follow the same rules as C identifiers"},
    Row{UsedArgName, "USED_ARG_NAME", "This argument name is already used"},
    Row{ArgTooLong, "ARG_TOO_LONG", "Argument expression is too long"},
    Row{NoArgBody, "NO_ARG_BODY", "No argument expression"},
    Row{BadInsnBndry, "BAD_INSN_BNDRY", "Probe point is not an instruction boundary"},
    Row{FailRegProbe, "FAIL_REG_PROBE", "Failed to register probe event"},
    Row{DiffProbeType, "DIFF_PROBE_TYPE", "Probe type is different from existing probe"},
    Row{DiffArgType, "DIFF_ARG_TYPE", "Argument type or name is different from existing probe"},
    Row{SameProbe, "SAME_PROBE", "There is already the exact same probe event"},
    Row{NoEpFilter, "NO_EP_FILTER", "No filter rule after 'if'"},
    Row{NosupBtfarg, "NOSUP_BTFARG", "BTF is not available or not supported"},
    Row{NoBtfarg, "NO_BTFARG", "This variable is not found at this probe point"},
    Row{NoBtfEntry, "NO_BTF_ENTRY", "No BTF entry for this probe point"},
    Row{BadVarArgs, "BAD_VAR_ARGS", "$arg* must be an independent parameter without name etc."},
    Row{NofentryArgs, "NOFENTRY_ARGS", "$arg* can be used only on function entry or exit"},
    Row{DoubleArgs, "DOUBLE_ARGS", "$arg* can be used only once in the parameters"},
    Row{Args2long, "ARGS_2LONG", "$arg* failed because the argument list is too long"},
    Row{NoPtrStrct, "NO_PTR_STRCT", "This is not a pointer to union/structure."},
    Row{NosupDatArg, "NOSUP_DAT_ARG", "Non pointer structure/union argument is not supported."},
    Row{BadHyphen, "BAD_HYPHEN", "Failed to parse single hyphen. Forgot '>'?"},
    Row{NoBtfField, "NO_BTF_FIELD", "This field is not found."},
    Row{BadBtfTid, "BAD_BTF_TID", "Failed to get BTF type info."},
    Row{BadType4str, "BAD_TYPE4STR", "This type does not fit for string."},
    Row{NeedStringType, "NEED_STRING_TYPE", "$comm and immediate-string only accepts string type"},
    Row{EventTooBig, "EVENT_TOO_BIG", "Event too big (too many fields?)"},
    Row{TooManyArgs, "E2BIG", "Too many arguments"},
    Row{NoCommand, "EINVAL", "Not a probe definition"},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (static_cast<std::size_t>(kRows[i].code) != i) {
            return false;
        }
    }
    return kRows.size() == static_cast<std::size_t>(NoCommand) + 1;
}
static_assert(in_order());

const Row& row_of(ProbeErrorCode code) { return kRows.at(static_cast<std::size_t>(code)); }

constexpr std::string_view kCommandPrefix = "  Command: ";

std::string log_text(const ProbeError& error, std::string_view message) {
    return fmt::format("trace_kprobe: error: {}\n{}{}\n{:>{}}\n", message, kCommandPrefix,
                       error.command, "^", kCommandPrefix.size() + error.caret + 1);
}

}  // namespace

std::string_view code_name(ProbeErrorCode code) { return row_of(code).name; }
std::string_view message(ProbeErrorCode code) { return row_of(code).text; }

std::string error_log_text(const ProbeError& error) { return log_text(error, message(error.code)); }

Error to_error(const ProbeError& error) {
    std::string what = log_text(error,
                                fmt::format("{} ({})", message(error.code), code_name(error.code)));
    what.pop_back();
    return {std::move(what), "", error.hint, error.linux_errno};
}

}  // namespace trapgate::kernel
