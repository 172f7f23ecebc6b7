// SPDX-License-Identifier: GPL-2.0-only
// The small tree of kernel files that programs talking to the guest see instead of the host's. One
// table: path -> content, made when it is opened. Everything else below /sys, /proc, /boot and the
// places of kernel images does not exist for them, so that the host's kernel never shows through;
// other paths (their own objects) are the host's.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "kernel/api/guest_facts.hpp"

namespace trapgate::kernel {

class VirtualFiles {
public:
    using Content = std::function<std::string()>;

    /// Where a path leads.
    enum class Place : std::uint8_t {
        Virtual,  ///< A file of this tree.
        Nowhere,  ///< ENOENT: the host's own kernel files.
        Host,     ///< The host's file system.
    };

    using Exists = std::function<bool()>;
    /// The guest's files: kprobe PMU, BTF, kallsyms, ... `guest` must outlive the tree.
    explicit VirtualFiles(const GuestFacts& guest);

    /// A file; with `exists` it comes and goes.
    void add(std::string path, Content content, Exists exists = nullptr) {
        files_[std::move(path)] = File{std::move(content), std::move(exists)};
    }
    [[nodiscard]] Place place(std::string_view path) const;
    /// The content now; nothing when place() is not Virtual.
    [[nodiscard]] std::optional<std::string> read(std::string_view path) const;
    /// A descriptor, close-on-exec and at offset 0, of a copy of the content. Empty with errno set
    /// when there is none.
    [[nodiscard]] UniqueFd open(std::string_view path) const;

private:
    struct File {
        Content content;
        Exists exists;
    };
    /// `path` without "//", "." and ".."; null when there is no such file now.
    [[nodiscard]] const File* find(std::string_view path) const;
    std::map<std::string, File, std::less<>> files_;
};

/// All names of the guest's kernel in the format of /proc/kallsyms.
[[nodiscard]] std::string kallsyms_text(const emu::SymbolTable& symbols);

}  // namespace trapgate::kernel
