// SPDX-License-Identifier: GPL-2.0-only
#include "cpu/registers.hpp"

namespace trapgate::cpu {

std::string_view gpr_name(Gpr gpr) {
    static constexpr std::array<std::string_view, kGprCount> kNames{
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    return kNames[static_cast<std::size_t>(gpr)];
}

std::string_view vector_name(std::uint8_t vector) {
    static constexpr std::array<std::string_view, 22> kNames{
        "#DE", "#DB", "NMI", "#BP", "#OF",       "#BR", "#UD", "#NM", "#DF", "vector 9", "#TS",
        "#NP", "#SS", "#GP", "#PF", "vector 15", "#MF", "#AC", "#MC", "#XM", "#VE",      "#CP"};
    if (vector < kNames.size()) {
        return kNames[vector];
    }
    return vector < 32 ? "reserved vector" : "interrupt";
}

}  // namespace trapgate::cpu
