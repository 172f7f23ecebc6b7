// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/fetch_names.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.hpp"
#include "bpf/runtime/pt_regs.hpp"
#include "kernel/events/fetch_type.hpp"

namespace trapgate::kernel {
namespace {

using bpf::PtRegs;
struct Register {
    std::string_view name;
    std::size_t offset;
};
constexpr std::array kRegisters{
    Register{"r15", offsetof(PtRegs, r15)},     Register{"r14", offsetof(PtRegs, r14)},
    Register{"r13", offsetof(PtRegs, r13)},     Register{"r12", offsetof(PtRegs, r12)},
    Register{"r11", offsetof(PtRegs, r11)},     Register{"r10", offsetof(PtRegs, r10)},
    Register{"r9", offsetof(PtRegs, r9)},       Register{"r8", offsetof(PtRegs, r8)},
    Register{"bx", offsetof(PtRegs, bx)},       Register{"cx", offsetof(PtRegs, cx)},
    Register{"dx", offsetof(PtRegs, dx)},       Register{"si", offsetof(PtRegs, si)},
    Register{"di", offsetof(PtRegs, di)},       Register{"bp", offsetof(PtRegs, bp)},
    Register{"ax", offsetof(PtRegs, ax)},       Register{"orig_ax", offsetof(PtRegs, orig_ax)},
    Register{"ip", offsetof(PtRegs, ip)},       Register{"cs", offsetof(PtRegs, cs)},
    Register{"flags", offsetof(PtRegs, flags)}, Register{"sp", offsetof(PtRegs, sp)},
    Register{"ss", offsetof(PtRegs, ss)},
};

std::string known(std::string_view word, const std::vector<std::string_view>& names,
                  std::string_view prefix) {
    std::vector<std::string> shown;
    for (const std::string& name : nearest_names(word, names)) {
        shown.push_back(std::string(prefix) + name);
    }
    if (const std::string near = did_you_mean(shown); !near.empty()) {
        return near;
    }
    for (const std::string_view name : names) {
        shown.push_back(std::string(prefix) + std::string(name));
    }
    return fmt::format("there is {}", fmt::join(shown, ", "));
}

}  // namespace

std::optional<std::size_t> register_offset(std::string_view name) {
    const auto* const found = std::ranges::find(kRegisters, name, &Register::name);
    return found == kRegisters.end() ? std::nullopt : std::optional(found->offset);
}

std::string register_hint(std::string_view word) {
    // %rdi and %edi are what a debugger calls them.
    const std::string_view bare = word.size() == 3 && (word[0] == 'r' || word[0] == 'e')
                                      ? word.substr(1)
                                      : word;
    if (std::ranges::find(kRegisters, bare, &Register::name) != kRegisters.end()) {
        return fmt::format("did you mean %{}?", bare);
    }
    std::vector<std::string_view> names;
    std::ranges::transform(kRegisters, std::back_inserter(names), &Register::name);
    return known(word, names, "%");
}

std::string type_hint(std::string_view word) {
    std::vector<std::string_view> names;
    std::ranges::transform(fetch_types(), std::back_inserter(names), &FetchType::name);
    return known(word, names, "") + (word.starts_with('b') ? "; bits are b<w>@<o>/<size>" : "");
}

}  // namespace trapgate::kernel
