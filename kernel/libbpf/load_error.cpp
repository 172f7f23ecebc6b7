// SPDX-License-Identifier: GPL-2.0-only
// libbpf 1.1's messages, as it prints them:
//   libbpf: prog 'NAME': BPF program load failed: Permission denied
//   libbpf: prog 'NAME': -- BEGIN PROG LOAD LOG --
//   ...the verifier's log, in which libbpf has put "failed to resolve CO-RE relocation <KIND> [ID]
//   TYPE.FIELD (...)"...
//   -- END PROG LOAD LOG --
//   libbpf: failed to create map 'NAME': Invalid argument(-22)     (or: map 'NAME': failed to
//   create: ...)
#include "kernel/libbpf/load_error.hpp"

#include <cstring>
#include <ranges>
#include <vector>

#include <fmt/format.h>

namespace trapgate::kernel {
namespace {

constexpr std::string_view kPrefix = "libbpf: ";
constexpr std::string_view kBegin = "-- BEGIN PROG LOAD LOG --";
constexpr std::string_view kEnd = "-- END PROG LOAD LOG --";
// What libbpf writes over an instruction whose relocation failed: a call of helper 0xbad2310.
constexpr std::string_view kPoison = "unknown#195896080";
constexpr const char*
    kCoReHint = "compare with the guest's BTF, or guard the access with bpf_core_field_exists()";
constexpr std::string_view kCoRe = "failed to resolve CO-RE relocation ";

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end != 0) {
            lines.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// The text between the first pair of quotes.
std::string_view quoted(std::string_view line) {
    const std::size_t begin = line.find('\'');
    const std::size_t end = line.find('\'', begin + 1);
    return begin == std::string_view::npos || end == std::string_view::npos
               ? std::string_view()
               : line.substr(begin + 1, end - begin - 1);
}

bool is_summary(std::string_view line) {
    return line.starts_with("processed ") || line.starts_with("verification time") ||
           line.starts_with("stack depth") || line.starts_with("max_states");
}

/// What a verifier says before the statistics is why it stopped.
std::string_view last_reason(const std::vector<std::string_view>& lines) {
    for (const std::string_view line : std::views::reverse(lines)) {
        if (!is_summary(line)) {
            return line;
        }
    }
    return {};
}

Error explain_core(std::string_view line, const std::string& where) {
    // "<byte_off> [7] struct task_struct.nosuch (0:3 @ offset 4)"
    std::string_view what = line.substr(kCoRe.size());
    if (const std::size_t id = what.find("] "); id != std::string_view::npos) {
        what.remove_prefix(id + 2);
    }
    what = what.substr(0, what.rfind(" ("));
    return {fmt::format("the guest kernel has no {} (CO-RE)", what), where, kCoReHint, EINVAL};
}

}  // namespace

Error explain_load_failure(std::string_view log, int linux_errno, std::string where) {
    const std::vector<std::string_view> lines = lines_of(log);
    std::vector<std::string_view> verifier;
    std::string_view program;
    bool inside = false;
    for (const std::string_view line : lines) {
        if (line.find(kBegin) != std::string_view::npos) {
            inside = true;
            verifier.clear();
            program = quoted(line);
        } else if (line.find(kEnd) != std::string_view::npos) {
            inside = false;
        } else if (inside) {
            verifier.push_back(line);
        }
    }
    if (!program.empty()) {
        where += fmt::format(": program {}", program);
    }
    for (const std::string_view line : verifier) {
        if (line.starts_with(kCoRe)) {
            return explain_core(line, where);
        }
    }
    if (const std::string_view reason = last_reason(verifier); !reason.empty()) {
        if (reason.find(kPoison) != std::string_view::npos) {
            return {"it needs a field or type that the guest kernel does not have (CO-RE)", where,
                    kCoReHint, EINVAL};
        }
        return {fmt::format("the verifier refused it: {}", reason), where, {}, linux_errno};
    }
    // Otherwise the first complaint is the cause; later ones follow from it.
    for (std::string_view line : lines) {
        if (line.starts_with(kPrefix)) {
            line.remove_prefix(kPrefix.size());
        }
        const bool retried = line.find("Retrying") != std::string_view::npos;
        if (!retried && line.find("failed to load object") == std::string_view::npos) {
            return {std::string(line), where, {}, linux_errno};
        }
    }
    return {std::strerror(linux_errno), where, {}, linux_errno};
}

}  // namespace trapgate::kernel
