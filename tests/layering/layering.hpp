// SPDX-License-Identifier: GPL-2.0-only
// The arrows between the folders, as a function of a file's path and text alone:
//
//     base <- cpu <- emu <- bpf <- kernel <- { labs, gui, cli }        (cli may also use labs)
//
// and their refinements: bpf's core (all but bpf/runtime) knows no machine; only emu/engine knows
// Unicorn; only gui knows SDL and Dear ImGui; only kernel and what is above it know libbpf; what
// runs in the guest (roms) and the host share no header. tests/X may include what X may, and tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trapgate::layering {

/// One #include of a file.
struct Include {
    std::size_t line = 0;  ///< From 1.
    std::string target;    ///< Between the quotes or angle brackets.
    bool quoted = false;   ///< "..." rather than <...>.
    bool operator==(const Include&) const = default;
};

/// All #include lines with a literal target, comments left out.
[[nodiscard]] std::vector<Include> find_includes(std::string_view contents);

/// What is wrong with a file's includes, each as "path:line: why"; empty when nothing is. `path` is
/// relative to the root of the tree, with forward slashes.
[[nodiscard]] std::vector<std::string> check_includes(std::string_view path,
                                                      std::string_view contents);

}  // namespace trapgate::layering
