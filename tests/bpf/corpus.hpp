// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bpf/insn.hpp"

namespace trapgate::bpf::test {

/// A file of the case folder's bpf/ subfolder (.json or .json.gz), or nothing when TRAPGATE_CASES
/// is unset. A file that is missing or broken although the folder is named ends the test program:
/// the bar must not vanish silently.
[[nodiscard]] std::optional<nlohmann::json> load_cases(const std::string& name);
/// Path of the bpf/ subfolder; empty when TRAPGATE_CASES is unset.
[[nodiscard]] std::string case_folder();

inline constexpr const char* kNoCases = "TRAPGATE_CASES is not set";

[[nodiscard]] std::vector<Insn> insns_of(const nlohmann::json& hex);
[[nodiscard]] std::vector<std::byte> bytes_of(const std::string& hex);

/// Writes a list of differences next to the test's other output and returns its path.
std::string write_artifact(const std::string& name, const std::string& text);

}  // namespace trapgate::bpf::test
