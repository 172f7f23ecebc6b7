// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/event_text.hpp"

#include <utility>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

constexpr std::string_view kFault = "(fault)";

// trace_print_lat_fmt: interrupts, rescheduling, kind of context, preemption, migration.
std::string flags_text(const TraceContext& context) {
    const auto has = [&](unsigned flag) { return (context.flags & flag) != 0; };
    char resched = '.';
    if (has(kNeedResched)) {
        resched = has(kPreemptResched) ? 'N' : 'n';
    } else if (has(kPreemptResched)) {
        resched = 'p';
    }
    char kind = '.';
    if (has(kNmi)) {
        kind = has(kHardIrq) ? 'Z' : 'z';
    } else if (has(kHardIrq)) {
        kind = has(kSoftIrq) ? 'H' : 'h';
    } else if (has(kSoftIrq)) {
        kind = 's';
    }
    constexpr std::string_view kInterrupts = ".dbD";
    const unsigned interrupts = (has(kIrqsOff) ? 1U : 0U) + (has(kBottomHalfOff) ? 2U : 0U);
    const unsigned depth = context.preempt_count & 0xfU;
    return fmt::format("{}{}{}{}.", kInterrupts[interrupts], resched, kind,
                       depth == 0 ? "." : fmt::format("{:x}", depth));
}

std::int64_t with_sign(std::uint64_t value, std::size_t bytes) {
    const unsigned unused = 64 - static_cast<unsigned>(bytes) * 8;
    return static_cast<std::int64_t>(value << unused) >> unused;
}

struct Shown {
    std::string text;
    EventValue value;
};

Shown show(const FetchType& type, const EventRecord& record, std::size_t offset,
           const SymbolTexts& symbols) {
    if (record.faulted(offset)) {
        return {std::string(kFault), {}};
    }
    if (type.print == FetchPrint::String) {
        std::string text(record.string(offset));
        return {fmt::format("\"{}\"", text), text};
    }
    const std::uint64_t number = record.number(offset, type.bytes);
    switch (type.print) {
        case FetchPrint::Signed: {
            const std::int64_t value = with_sign(number, type.bytes);
            return {std::to_string(value), value};
        }
        case FetchPrint::Hex: return {fmt::format("{:#x}", number), number};
        case FetchPrint::Character: {
            const std::string text(1, static_cast<char>(number));
            return {fmt::format("'{}'", text), text};
        }
        case FetchPrint::Symbol: {
            std::string text = symbols.with_offset(number);
            return {text, text};
        }
        default: return {std::to_string(number), number};
    }
}

}  // namespace

std::string trace_line(const TraceContext& context, std::string_view text) {
    const std::uint64_t us = (context.ns + 500) / 1000;  // ns2usecs rounds.
    return fmt::format("{:>16}-{:<7} [{:03}] {} {:>5}.{:06}: {}", context.task, context.pid,
                       context.cpu, flags_text(context), us / 1'000'000, us % 1'000'000, text);
}

std::string EventView::text() const {
    std::string out = fmt::format("{}: ({})", event, where);
    for (const EventArg& arg : args) {
        out += fmt::format(" {}={}", arg.name, arg.text);
    }
    return out;
}

EventView make_view(const ProbeDefinition& definition, const EventRecord& record,
                    TraceContext context, const SymbolTexts& symbols) {
    EventView view{definition.group, definition.event, std::move(context), {}, {}};
    const std::uint64_t ip = record.number(8, 8);
    view.where = definition.on_return
                     ? fmt::format("{} <- {}", symbols.with_offset(record.number(16, 8)),
                                   symbols.name_only(ip))
                     : symbols.with_offset(ip);
    const std::size_t head = head_bytes(definition.on_return);
    for (const FetchArg& arg : definition.args) {
        EventArg& shown = view.args.emplace_back();
        shown.name = arg.name;
        shown.is_array = arg.count != 0;
        for (unsigned i = 0; i < std::max(arg.count, 1U); ++i) {
            Shown one = show(*arg.type, record,
                             head + arg.offset + i * std::size_t{arg.type->bytes}, symbols);
            shown.text += i == 0 ? (shown.is_array ? "{" : "") : ",";
            shown.text += one.text;
            shown.values.push_back(std::move(one.value));
        }
        shown.text += shown.is_array ? "}" : "";
    }
    return view;
}

}  // namespace trapgate::kernel
