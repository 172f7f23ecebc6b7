// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/event_format.hpp"

#include <iterator>

#include <fmt/format.h>

#include "kernel/events/record.hpp"

namespace trapgate::kernel {
namespace {

using Kind = EventField::Kind;

constexpr std::string_view kDataLoc = "__data_loc";

std::string field_type(const FetchArg& arg) {
    return arg.count == 0 ? std::string(arg.type->field)
                          : fmt::format("{}[{}]", arg.type->field, arg.count);
}

std::string field_line(const EventField& field) {
    const std::size_t bracket = field.type.starts_with(kDataLoc) ? std::string::npos
                                                                 : field.type.find('[');
    return fmt::format("\tfield:{} {}{};\toffset:{};\tsize:{};\tsigned:{};\n",
                       field.type.substr(0, bracket), field.name,
                       bracket == std::string::npos ? "" : "[]", field.offset, field.size,
                       field.is_signed ? 1 : 0);
}

}  // namespace

std::vector<EventField> event_fields(const ProbeDefinition& definition) {
    std::vector<EventField> fields{
        {"unsigned short", "common_type", 0, 2, false, Kind::Number},
        {"unsigned char", "common_flags", 2, 1, false, Kind::Number},
        {"unsigned char", "common_preempt_count", 3, 1, false, Kind::Number},
        {"int", "common_pid", 4, 4, true, Kind::Number},
    };
    if (definition.on_return) {
        fields.push_back({"unsigned long", "__probe_func", 8, 8, false, Kind::Number});
        fields.push_back({"unsigned long", "__probe_ret_ip", 16, 8, false, Kind::Number});
    } else {
        fields.push_back({"unsigned long", "__probe_ip", 8, 8, false, Kind::Number});
    }
    for (const FetchArg& arg : definition.args) {
        fields.push_back({field_type(arg), arg.name, head_bytes(definition.on_return) + arg.offset,
                          arg.bytes(), arg.type->is_signed,
                          arg.type->is_string() ? Kind::String : Kind::Number});
    }
    return fields;
}

std::vector<EventField> filter_fields(const ProbeDefinition& definition) {
    const std::vector<EventField> fields = event_fields(definition);
    const auto own = fields.begin() + kCommonFields;
    std::vector<EventField> all(own, fields.end());
    for (const std::string_view name : {"CPU", "cpu", "common_cpu"}) {
        all.push_back({"int", std::string(name), 0, 4, true, Kind::Cpu});
    }
    for (const std::string_view name : {"COMM", "comm"}) {
        all.push_back({"char *", std::string(name), 0, 8, false, Kind::Comm});
    }
    all.insert(all.end(), fields.begin(), own);
    return all;
}

std::string print_format(const ProbeDefinition& definition) {
    std::string text = definition.on_return ? "\"(%lx <- %lx)" : "\"(%lx)";
    std::string values = definition.on_return ? ", REC->__probe_func, REC->__probe_ret_ip"
                                              : ", REC->__probe_ip";
    for (const FetchArg& arg : definition.args) {
        const std::string_view get = arg.type->is_string() ? "__get_str(" : "REC->";
        const std::string_view end = arg.type->is_string() ? ")" : "";
        text += fmt::format(" {}=", arg.name);
        if (arg.count == 0) {
            text += arg.type->format;
            values += fmt::format(", {}{}{}", get, arg.name, end);
            continue;
        }
        for (unsigned i = 0; i < arg.count; ++i) {
            text += fmt::format("{}{}", i == 0 ? '{' : ',', arg.type->format);
            values += fmt::format(", {}{}[{}]{}", get, arg.name, i, end);
        }
        text += '}';
    }
    return text + "\"" + values;
}

std::string format_text(const ProbeDefinition& definition, unsigned id) {
    std::string text = fmt::format("name: {}\nID: {}\nformat:\n", definition.event, id);
    const std::vector<EventField> fields = event_fields(definition);
    for (std::size_t i = 0; i < fields.size(); ++i) {
        text += i == kCommonFields ? "\n" : "";
        text += field_line(fields[i]);
    }
    return text + fmt::format("\nprint fmt: {}\n", print_format(definition));
}

}  // namespace trapgate::kernel
