// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Which pages of guest memory hold translated code, and whose.
///
/// Unicorn marks a page clean or dirty per virtual mapping, and that in two ways which hurt: a
/// second mapping of a page may be written without its translations being dropped, and every store
/// to a page that is merely executable takes the slow path (40 ns instead of 3). With one byte per
/// physical page both go away:
///
/// - a page that gets its first translation is write-protected in every mapping any TLB knows;
/// - a store that a TLB caught drops translations only if the page has any, those of the other CPUs
///   (a bit each) among them: engines do not know of each other;
/// - a page that was filled for a load or store and holds no code is entered without execute
///   permission, so its stores are fast; the first fetch from it fills the entry anew.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trapgate::emu {

class UnicornEngine;

/// One for all engines of a machine.
class CodePages {
public:
    /// `bytes`: the size of the library's RAM space.
    explicit CodePages(std::uint64_t bytes) : users_((bytes >> 12) + 1) {}

    /// One bit for each engine that has translations of the page; all ones outside memory.
    [[nodiscard]] std::uint8_t users(std::uint64_t ram_offset) const {
        const std::uint64_t page = ram_offset >> 12;
        return page >= users_.size() ? kAll : users_[page];
    }
    void add(std::uint64_t ram_offset, std::uint8_t user) {
        const std::uint64_t page = ram_offset >> 12;
        if (page < users_.size()) {
            users_[page] |= user;
        }
    }
    void remove(std::uint64_t ram_offset, std::uint8_t user) {
        const std::uint64_t page = ram_offset >> 12;
        if (page < users_.size()) {
            users_[page] = static_cast<std::uint8_t>(users_[page] & ~user);
        }
    }
    void remove_everywhere(std::uint8_t user) {
        for (std::uint8_t& users : users_) {
            users = static_cast<std::uint8_t>(users & ~user);
        }
    }

    /// The engines, by their bit's number. They live as long as the machine.
    std::vector<UnicornEngine*> engines;

private:
    static constexpr std::uint8_t kAll = 0xff;
    std::vector<std::uint8_t> users_;
};

}  // namespace trapgate::emu
