// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Which pages of guest memory hold translated code.
///
/// Unicorn marks a page clean or dirty per virtual mapping, and that in two ways which hurt: a
/// second mapping of a page may be written without its translations being dropped, and every store
/// to a page that is merely executable takes the slow path (40 ns instead of 3). With one byte per
/// physical page both go away:
///
/// - a page that gets its first translation is write-protected in every mapping the TLB knows;
/// - a store that the TLB caught drops translations only if the page has any;
/// - a page that was filled for a load or store and holds no code is entered without execute
/// permission, so its stores
///   are fast; the first fetch from it fills the entry anew.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trapgate::emu {

class CodePages {
public:
    /// `bytes`: the size of the library's RAM space.
    explicit CodePages(std::uint64_t bytes = 0) : has_code_((bytes >> 12) + 1) {}

    [[nodiscard]] bool has_code(std::uint64_t ram_offset) const {
        const std::uint64_t page = ram_offset >> 12;
        return page >= has_code_.size() || has_code_[page];
    }
    void set(std::uint64_t ram_offset, bool code) {
        const std::uint64_t page = ram_offset >> 12;
        if (page < has_code_.size()) {
            has_code_[page] = code;
        }
    }
    void clear() { has_code_.assign(has_code_.size(), false); }

    /// The page of the store that the TLB caught last.
    std::uint64_t last_store = 0;
    /// The access that a TLB fill is for: 0 load, 1 store, 2 fetch.
    int fill_access = 0;

private:
    std::vector<bool> has_code_;
};

}  // namespace trapgate::emu
