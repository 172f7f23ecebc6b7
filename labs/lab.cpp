// SPDX-License-Identifier: GPL-2.0-only
#include "labs/lab.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/nearest.hpp"

namespace trapgate::labs {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNote = ".trapgate-lab";  // in a student's folder: which lab it is

Result<std::string> read_text(const fs::path& file) {
    return read_file(file).map([](const std::vector<std::byte>& bytes) {
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
}

}  // namespace

Result<std::vector<Lab>> list_labs(const fs::path& root) {
    std::vector<fs::path> folders;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error)) {
        if (fs::exists(entry.path() / "lab.json")) {
            folders.push_back(entry.path());
        }
    }
    if (error) {
        return fail("the labs are not where they should be", root.string(),
                    "build all: the labs are copied there", error.value());
    }
    std::ranges::sort(folders);
    std::vector<Lab> labs;
    for (const fs::path& folder : folders) {
        Result<Lab> lab = read_lab(folder);
        if (!lab) {
            return tl::unexpected(lab.error());
        }
        labs.push_back(std::move(*lab));
    }
    return labs;
}

Result<Lab> find_lab(const fs::path& root, const std::string& id) {
    return list_labs(root).and_then([&](const std::vector<Lab>& labs) -> Result<Lab> {
        std::vector<std::string_view> names;
        for (const Lab& lab : labs) {
            if (lab.id == id) {
                return lab;
            }
            names.push_back(lab.id);
        }
        const std::string near = did_you_mean(nearest_names(id, names));
        return fail("no such lab", id, near.empty() ? "trapgate lab list shows them" : near,
                    ENOENT);
    });
}

Result<std::string> read_guide(const Lab& lab) { return read_text(lab.folder / "guide.md"); }

Result<void> start_lab(const Lab& lab, const fs::path& folder, const fs::path& includes) {
    std::error_code error;
    if (fs::exists(folder, error) && !(fs::is_directory(folder, error) && fs::is_empty(folder))) {
        return fail("is there already", folder.string(),
                    "name another folder, or go on in this one", EEXIST);
    }
    fs::create_directories(folder, error);
    if (!error) {
        fs::copy(lab.folder / "starter", folder, fs::copy_options::recursive, error);
    }
    if (!error) {
        fs::copy(lab.folder / "guide.md", folder / "guide.md", error);
    }
    const bool has_programs = std::ranges::any_of(
        lab.checks, [](const Check& check) { return check.kind == Check::Kind::Map; });
    if (!error && has_programs) {
        fs::copy(includes / "vmlinux.h", folder / "vmlinux.h", error);
    }
    if (error) {
        return fail(error.message(), folder.string(), "is it writable?", error.value());
    }
    return write_file(folder / kNote, lab.id + "\n");
}

Result<std::string> started_lab(const fs::path& folder) {
    if (!fs::is_directory(folder)) {
        return fail("no such folder", folder.string(),
                    "name the folder that `trapgate lab start` made", ENOENT);
    }
    const Result<std::string> note = read_text(folder / kNote);
    if (!note) {
        return fail("no lab was started here", folder.string(),
                    "name the folder that `trapgate lab start` made, or the lab with --lab",
                    ENOENT);
    }
    return note->substr(0, note->find('\n'));
}

}  // namespace trapgate::labs
