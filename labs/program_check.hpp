// SPDX-License-Identifier: GPL-2.0-only
// Runs what a student wrote: a probe definition, an eBPF program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "labs/measure.hpp"

namespace trapgate::labs {

/// A folder that is deleted with its content.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

struct CompiledProgram {
    std::unique_ptr<TemporaryFolder> folder;
    std::filesystem::path object;
    std::string errors;  ///< The compiler's, when it refused.
};

/// Compiles an eBPF source with clang. Errors are those that are not the student's: no compiler.
[[nodiscard]] Result<CompiledProgram> compile_program(const std::filesystem::path& source,
                                                      const std::filesystem::path& includes);

/// Hits of the one probe that `file` defines, which must be called `event`. Errors are for the
/// student.
[[nodiscard]] Result<std::uint64_t> probe_hits(const Bench& bench,
                                               const std::filesystem::path& file,
                                               const std::string& event, const std::string& append);

/// Element 0 of a map (4 or 8 bytes) after a run with the object. Errors are for the student.
[[nodiscard]] Result<std::uint64_t> first_element(const Bench& bench,
                                                  const std::filesystem::path& object,
                                                  const std::string& map,
                                                  const std::string& append);

}  // namespace trapgate::labs
