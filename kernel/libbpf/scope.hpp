// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace trapgate::kernel {

class HostKernel;

/// While it lives, libbpf calls of this thread go to `kernel`. Scopes nest; the inner one counts.
/// Without one, whatever libbpf asks of a kernel fails with ENOSYS.
class LibbpfScope {
public:
    /// `log`, when not null, gets libbpf's warnings and messages, one line each.
    explicit LibbpfScope(HostKernel& kernel, std::string* log = nullptr);
    LibbpfScope(const LibbpfScope&) = delete;
    LibbpfScope& operator=(const LibbpfScope&) = delete;
    ~LibbpfScope();

    /// The innermost scope's kernel; null without one.
    [[nodiscard]] static HostKernel* current();

private:
    HostKernel* outer_kernel_;
    std::string* outer_log_;
};

}  // namespace trapgate::kernel
