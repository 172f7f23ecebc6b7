// SPDX-License-Identifier: GPL-2.0-only
// Grading: a student's folder against real runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "labs/lab.hpp"
#include "labs/measure.hpp"

namespace trapgate::labs {

struct CheckResult {
    std::string name;
    double score = 0, max_score = 0;
    std::string output;  ///< Why points are missing, in words that teach; empty for full marks.

    [[nodiscard]] bool passed() const { return score >= max_score; }
};

struct LabResult {
    std::vector<CheckResult> checks;

    [[nodiscard]] double score() const;
    [[nodiscard]] double max_score() const;
    [[nodiscard]] bool passed() const { return score() >= max_score(); }
};

/// What grading needs besides the lab.
struct CheckTools {
    std::filesystem::path image;     ///< The kernel to run.
    std::filesystem::path includes;  ///< Folder with the kernel's vmlinux.h, for eBPF sources.
};

/// Grades what is in `folder`. What the student did wrong is in the result; an error is something
/// that keeps the lab from being graded at all (no image, no compiler).
[[nodiscard]] Result<LabResult> check_lab(const Lab& lab, const std::filesystem::path& folder,
                                          const CheckTools& tools);

/// "name: OK (2)" and "name: FAIL (0/2)" lines with indented reasons, then "Score: n/max".
[[nodiscard]] std::string result_text(const LabResult& result);

/// Gradescope's results.json: score, tests[] with name, score, max_score, status, output.
[[nodiscard]] std::string result_json(const LabResult& result);

}  // namespace trapgate::labs
