// SPDX-License-Identifier: GPL-2.0-only
// The caller's buffer for a verifier's or BTF checker's log, with the rules that Linux has
// since 6.4 (bpf_verifier_log): a buffer goes with a size and a level; a log that does not fit
// keeps its end (its beginning with BPF_LOG_FIXED) and makes the whole call answer ENOSPC.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/api/caller.hpp"

namespace trapgate::kernel {

class LogBuffer {
public:
    LogBuffer(std::uint32_t level, std::uint32_t size, std::uint64_t address)
        : level_(level), size_(size), address_(address) {}

    /// False: EINVAL.
    [[nodiscard]] bool valid() const;
    [[nodiscard]] std::uint32_t level() const { return level_; }
    /// Writes the log; 0, -EFAULT, or -ENOSPC when it did not fit.
    [[nodiscard]] long finish(Caller& caller, std::string_view log) const;

private:
    std::uint32_t level_;
    std::uint32_t size_;
    std::uint64_t address_;
};

}  // namespace trapgate::kernel
