// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace trapgate::emu {

struct Symbol {
    std::string name;
    GuestVa address;
    std::uint64_t size = 0;  ///< Bytes; 0 when the image does not say.
    char type = 't';         ///< As in /proc/kallsyms: T/t text, D/d data, R/r read-only, B/b bss.
};

/// The kernel's names and addresses, from its ELF symbol table or kallsyms.
class SymbolTable {
public:
    SymbolTable() = default;
    explicit SymbolTable(std::vector<Symbol> symbols);

    /// ENOENT with the nearest names as hint.
    [[nodiscard]] Result<Symbol> find(std::string_view name) const;
    /// The symbol that contains `va`.
    [[nodiscard]] const Symbol* containing(GuestVa va) const;
    /// "vfs_open+0x1c/0x80", or the bare address in hex.
    [[nodiscard]] std::string describe(GuestVa va) const;
    /// Sorted by address.
    [[nodiscard]] const std::vector<Symbol>& all() const { return by_address_; }

private:
    std::vector<Symbol> by_address_;
    std::vector<std::uint32_t> by_name_;
};

}  // namespace trapgate::emu
