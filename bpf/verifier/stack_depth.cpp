// SPDX-License-Identifier: GPL-2.0-only
// How deep calls nest and how much stack they take together.
#include "bpf/verifier/env.hpp"

namespace trapgate::bpf {

namespace {

/// What a frame of n bytes takes (the JIT's rounding: 16 bytes, never nothing).
std::uint32_t rounded(std::uint32_t bytes) { return ((bytes == 0 ? 1 : bytes) + 15) & ~15U; }

struct Walk {
    std::uint32_t bytes = 0;
    std::size_t frames = 0;
};

}  // namespace

int Verifier::check_stack_depth() {
    // For each function the deepest chain below it; call sites of recursion were refused by
    // explore().
    std::vector<std::vector<std::size_t>> callees(functions_.size());
    for (std::uint32_t i = 0; i < insns_.size(); i += insns_[i].slots()) {
        if (insns_[i].is_local_call()) {
            const auto target = static_cast<std::uint32_t>(std::int64_t{i} + 1 + insns_[i].imm);
            callees[function_at(i)].push_back(function_at(target));
        }
    }
    std::vector<std::pair<std::size_t, Walk>> open{{0, {rounded(functions_[0].stack_bytes), 1}}};
    std::uint32_t steps = 0;
    while (!open.empty()) {
        const auto [function, walk] = open.back();
        open.pop_back();
        if (walk.frames > kMaxFrames) {
            say("the call stack of {} frames is too deep !\n", walk.frames);
            return -E2BIG;
        }
        if (walk.bytes > static_cast<std::uint32_t>(kMaxStackBytes)) {
            say("combined stack size of {} calls is {}. Too large\n", walk.frames, walk.bytes);
            return -EACCES;
        }
        if (++steps > kMaxProcessed) {
            say("the call graph is too large\n");
            return -E2BIG;
        }
        for (const std::size_t callee : callees[function]) {
            open.push_back(
                {callee, {walk.bytes + rounded(functions_[callee].stack_bytes), walk.frames + 1}});
        }
    }
    return 0;
}

}  // namespace trapgate::bpf
