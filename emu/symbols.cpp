// SPDX-License-Identifier: GPL-2.0-only
#include "emu/symbols.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/nearest.hpp"

namespace trapgate::emu {

SymbolTable::SymbolTable(std::vector<Symbol> symbols) : by_address_(std::move(symbols)) {
    std::stable_sort(by_address_.begin(), by_address_.end(),
                     [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
    by_name_.resize(by_address_.size());
    std::iota(by_name_.begin(), by_name_.end(), 0U);
    std::stable_sort(by_name_.begin(), by_name_.end(), [this](std::uint32_t a, std::uint32_t b) {
        return by_address_[a].name < by_address_[b].name;
    });
}

Result<Symbol> SymbolTable::find(std::string_view name) const {
    const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                     [this](std::uint32_t index, std::string_view key) {
                                         return by_address_[index].name < key;
                                     });
    if (at != by_name_.end() && by_address_[*at].name == name) {
        return by_address_[*at];
    }
    std::vector<std::string_view> names;
    names.reserve(by_address_.size());
    for (const Symbol& symbol : by_address_) {
        names.push_back(symbol.name);
    }
    return fail("no such symbol in the kernel", std::string(name),
                did_you_mean(nearest_names(name, names)), ENOENT);
}

const Symbol* SymbolTable::containing(GuestVa va) const {
    auto at = std::upper_bound(
        by_address_.begin(), by_address_.end(), va,
        [](GuestVa key, const Symbol& symbol) { return key < symbol.address; });
    while (at != by_address_.begin()) {
        --at;
        if (at->size == 0 ? va == at->address : va - at->address < at->size) {
            return &*at;
        }
        // A zero-sized label inside a function does not end it; a sized one before va does.
        if (at->size != 0) {
            return nullptr;
        }
    }
    return nullptr;
}

std::string SymbolTable::describe(GuestVa va) const {
    const Symbol* symbol = containing(va);
    if (symbol == nullptr) {
        return fmt::format("{:#x}", va.value);
    }
    return fmt::format("{}+{:#x}/{:#x}", symbol->name, va - symbol->address, symbol->size);
}

}  // namespace trapgate::emu
