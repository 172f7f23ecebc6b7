// SPDX-License-Identifier: GPL-2.0-only
#include "tests/layering/layering.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

namespace trapgate::layering {
namespace {

// What the files below `folder` may include of this tree. The first row that matches a path counts,
// so the more special folder stands above the general one.
struct Layer {
    std::string_view folder;
    std::vector<std::string_view> may_include;
};

const std::vector<Layer>& layers() {
    static const std::vector<Layer> kTable = {
        {"base/", {"base/"}},
        {"cpu/", {"base/", "cpu/"}},
        {"emu/", {"base/", "cpu/", "emu/"}},
        {"bpf/runtime/", {"base/", "cpu/", "emu/", "bpf/"}},
        {"bpf/", {"base/", "cpu/", "bpf/"}},
        {"kernel/", {"base/", "cpu/", "emu/", "bpf/", "kernel/"}},
        {"labs/", {"base/", "cpu/", "emu/", "bpf/", "kernel/", "labs/"}},
        {"gui/", {"base/", "cpu/", "emu/", "bpf/", "kernel/", "gui/"}},
        {"cli/", {"base/", "cpu/", "emu/", "bpf/", "kernel/", "labs/", "cli/"}},
        {"roms/", {"roms/"}},
    };
    return kTable;
}

// Places that the general rows allow and that are forbidden all the same.
struct Wall {
    std::string_view from;
    std::string_view except;  // Below `from`, but free of this rule.
    std::string_view target;
    std::string_view why;
};
constexpr std::array kWalls = {
    Wall{"bpf/", "bpf/runtime/", "bpf/runtime/", "bpf's core must work without a machine"},
};

// Libraries that only some folders know, by the beginning of the header's name.
struct Library {
    std::string_view header;
    std::string_view name;
    std::vector<std::string_view> users;
};

const std::vector<Library>& libraries() {
    static const std::vector<Library> kTable = {
        // cmake/ asks the library for its version before anything is built.
        {"unicorn/", "Unicorn", {"emu/engine/", "cmake/"}},
        {"SDL", "SDL", {"gui/", "tests/gui/"}},
        {"imgui", "Dear ImGui", {"gui/", "tests/gui/"}},
        // roms and labs hold eBPF programs, which include libbpf's bpf_helpers.h.
        {"bpf/", "libbpf", {"kernel/", "cli/", "labs/", "gui/", "roms/", "tests/"}},
        {"CLI/", "CLI11", {"cli/", "gui/", "tests/cli/"}},
    };
    return kTable;
}

bool starts_with_any(std::string_view text, std::span<const std::string_view> beginnings) {
    return std::ranges::any_of(beginnings, [&](std::string_view b) { return text.starts_with(b); });
}

// The folder whose rules hold for a path: tests/emu/x_test.cpp lives by emu's.
std::string_view ruled_as(std::string_view path) {
    // What runs in the guest is tested from the host, which needs a machine.
    if (path.starts_with("tests/roms/")) {
        return "labs/";
    }
    constexpr std::string_view kTests = "tests/";
    return path.starts_with(kTests) ? path.substr(kTests.size()) : path;
}

std::optional<Layer> layer_of(std::string_view path) {
    const auto found = std::ranges::find_if(
        layers(), [&](const Layer& layer) { return path.starts_with(layer.folder); });
    return found == layers().end() ? std::nullopt : std::optional(*found);
}

// The first part with its slash ("emu/"), or "" when there is none.
std::string_view first_folder(std::string_view path) {
    const std::size_t slash = path.find('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash + 1);
}

std::string quoted_problem(std::string_view path, std::string_view target) {
    const std::string_view own = ruled_as(path);
    const bool is_test = path.starts_with("tests/");
    const std::string_view folder = first_folder(target);
    const bool in_tree = folder == "tests/" || layer_of(target).has_value();
    // Guest code is built on its own, with include paths of its own.
    if (path.starts_with("roms/") || path.ends_with(".c") || path.ends_with(".h")) {
        const bool host = in_tree && folder != "roms/" && target.ends_with(".hpp");
        return host ? "guest code includes a header of the host" : "";
    }
    if (!in_tree) {
        return "not by path from the root of the tree";
    }
    if (folder == "tests/") {
        return is_test ? "" : "only tests include tests";
    }
    for (const Wall& wall : kWalls) {
        if (own.starts_with(wall.from) && !own.starts_with(wall.except) &&
            target.starts_with(wall.target)) {
            return std::string(wall.why);
        }
    }
    const std::optional<Layer> layer = layer_of(own);
    if (layer && !starts_with_any(target, layer->may_include)) {
        return fmt::format("{} must not include {}", layer->folder, folder);
    }
    return "";
}

std::string library_problem(std::string_view path, std::string_view target) {
    for (const Library& library : libraries()) {
        if (target.starts_with(library.header) && !starts_with_any(path, library.users)) {
            return fmt::format("only {} may include {}", fmt::join(library.users, " "),
                               library.name);
        }
    }
    return "";
}

// Blanks /* */ and // comments, line ends kept. String literals need no care: an #include has none
// but its target, and a target with // in it would be a mistake of its own.
std::string without_comments(std::string_view text) {
    std::string out(text);
    bool in_block = false;
    bool in_line = false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (out[i] == '\n') {
            in_line = false;
        } else if (in_block) {
            if (text.substr(i, 2) == "*/") {
                in_block = false;
                out[i + 1] = ' ';
            }
            out[i] = ' ';
        } else if (in_line) {
            out[i] = ' ';
        } else if (text.substr(i, 2) == "/*") {
            in_block = true;
            out[i] = ' ';
        } else if (text.substr(i, 2) == "//") {
            in_line = true;
            out[i] = ' ';
        }
    }
    return out;
}

void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

bool eat(std::string_view& text, std::string_view word) {
    skip_blanks(text);
    if (!text.starts_with(word)) {
        return false;
    }
    text.remove_prefix(word.size());
    return true;
}

}  // namespace

std::vector<Include> find_includes(std::string_view contents) {
    const std::string text = without_comments(contents);
    std::vector<Include> found;
    std::string_view rest = text;
    for (std::size_t line = 1; !rest.empty(); ++line) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view words = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!eat(words, "#") || !eat(words, "include")) {
            continue;
        }
        eat(words, "_next");
        skip_blanks(words);
        if (words.empty() || (words[0] != '"' && words[0] != '<')) {
            continue;
        }
        const bool quoted = words[0] == '"';
        const std::size_t close = words.find(quoted ? '"' : '>', 1);
        if (close != std::string_view::npos) {
            found.push_back({line, std::string(words.substr(1, close - 1)), quoted});
        }
    }
    return found;
}

std::vector<std::string> check_includes(std::string_view path, std::string_view contents) {
    std::vector<std::string> problems;
    for (const Include& include : find_includes(contents)) {
        // A library's header may be written either way; a header of the tree only with quotes.
        std::string why = library_problem(path, include.target);
        const bool is_ours = layer_of(include.target) && include.target.ends_with(".hpp");
        if (include.quoted || is_ours) {
            why = is_ours || why.empty() ? quoted_problem(path, include.target) : why;
        }
        if (why.empty() && is_ours && !include.quoted) {
            why = "headers of the tree are included with quotes";
        }
        if (!why.empty()) {
            problems.push_back(
                fmt::format("{}:{}: includes {}: {}", path, include.line, include.target, why));
        }
    }
    return problems;
}

}  // namespace trapgate::layering
