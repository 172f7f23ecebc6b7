// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/probe_definition.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <vector>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

constexpr std::size_t kMaxEventName = 64;  // Linux's MAX_EVENT_NAME_LEN

bool is_name(std::string_view text) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (text.empty() || text.size() >= kMaxEventName || !is_letter(text.front())) {
        return false;
    }
    return std::ranges::all_of(text,
                               [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

Result<std::uint64_t> parse_offset(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return fail("not an offset", std::string(text), "SYMBOL+0x1c or SYMBOL+28");
    }
    return value;
}

// Linux makes event names of symbols such as foo.isra.0 by replacing what a name cannot hold.
std::string default_event(const ProbeDefinition& definition) {
    std::string name = fmt::format("p_{}_{}", definition.symbol, definition.offset);
    for (char& c : name) {
        c = c == '.' || c == ':' ? '_' : c;
    }
    return name;
}

}  // namespace

Result<ProbeDefinition> parse_probe_definition(std::string_view text) {
    std::istringstream stream{std::string(text)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) {
        words.push_back(word);
    }
    const auto refuse = [&](std::string what, std::string hint) {
        return fail(std::move(what), fmt::format("probe \"{}\"", text), std::move(hint));
    };
    ProbeDefinition definition;
    std::string place;
    const bool bare = words.size() == 1 && words[0] != "p" && words[0] != "r" &&
                      words[0].find(':') == std::string::npos;
    if (bare) {
        place = words[0];
    } else if (words.empty()) {
        return refuse("the definition is empty", "p:EVENT SYMBOL[+OFFSET], or just SYMBOL");
    } else {
        const std::string& head = words[0];
        if (head[0] == 'r') {
            return refuse("return probes are not supported", "probe the function's entry with p");
        }
        if (head[0] != 'p' || (head.size() > 1 && head[1] != ':')) {
            return refuse(fmt::format("\"{}\" is no kind of probe", head),
                          "p:EVENT SYMBOL[+OFFSET], or just SYMBOL");
        }
        if (head.size() > 1) {
            definition.event = head.substr(2);
            const std::size_t slash = definition.event.find('/');
            if (slash != std::string::npos) {
                definition.group = definition.event.substr(0, slash);
                definition.event.erase(0, slash + 1);
            }
            if (!is_name(definition.group) || !is_name(definition.event)) {
                return refuse(fmt::format("\"{}\" is no event name", head.substr(2)),
                              "letters, digits and underscores, not starting with a digit");
            }
        }
        if (words.size() < 2) {
            return refuse("the place to probe is missing", "p:EVENT SYMBOL[+OFFSET]");
        }
        if (words.size() > 2) {
            return refuse(fmt::format("fetch arguments are not supported: \"{}\"", words[2]),
                          "read arguments with a BPF program (-b)");
        }
        place = words[1];
    }
    const std::size_t plus = place.find('+');
    definition.symbol = place.substr(0, plus);
    if (definition.symbol.empty()) {
        return refuse("the symbol is missing", "p:EVENT SYMBOL[+OFFSET]");
    }
    if (plus != std::string::npos) {
        const Result<std::uint64_t> offset = parse_offset(std::string_view(place).substr(plus + 1));
        if (!offset) {
            return refuse(offset.error().what + ": \"" + place.substr(plus + 1) + "\"",
                          offset.error().hint);
        }
        definition.offset = *offset;
    }
    if (definition.event.empty()) {
        definition.event = default_event(definition);
    }
    return definition;
}

}  // namespace trapgate::kernel
