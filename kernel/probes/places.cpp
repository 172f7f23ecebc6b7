// SPDX-License-Identifier: GPL-2.0-only
// The bounds of text and of the blacklisted sections are the linker symbols of Linux
// (include/asm-generic/sections.h); NOKPROBE_SYMBOL(f) leaves a symbol _kbl_addr_f behind
// (include/asm-generic/kprobes.h).
#include "kernel/probes/places.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "kernel/probes/displaced.hpp"

namespace trapgate::kernel {
namespace {

using emu::Machine;
using emu::Symbol;
using emu::SymbolTable;

struct SectionSymbols {
    std::string_view begin, end, what;
};

constexpr SectionSymbols kText[] = {
    {"_stext", "_etext", ".text"},
    {"_sinittext", "_einittext", ".init.text"},
};

constexpr SectionSymbols kBlacklist[] = {
    {"__kprobes_text_start", "__kprobes_text_end", ".kprobes.text"},
    {"__entry_text_start", "__entry_text_end", ".entry.text"},
    {"__noinstr_text_start", "__noinstr_text_end", ".noinstr.text"},
};

/// Tables of instructions that the kernel rewrites while it runs (include/linux/jump_label.h,
/// static_call_types.h); each entry starts with the instruction's address, relative to itself.
struct SiteSymbols {
    std::string_view begin, end;
    std::uint64_t entry_bytes;
    std::string_view what;
};

constexpr SiteSymbols kSites[] = {
    {"__start___jump_table", "__stop___jump_table", 16, "a jump label"},
    {"__start_static_call_sites", "__stop_static_call_sites", 8, "a static call"},
};

bool starts_with_endbr64(const Machine& machine, GuestVa va) {
    constexpr std::uint32_t kEndbr64 = 0xfa1e0ff3;
    return emu::read_value<std::uint32_t>(machine, va) == kEndbr64;
}

/// EILSEQ unless decoding from the symbol's start arrives at `address`.
Result<void> check_boundary(const Machine& machine, const Symbol& symbol, GuestVa address) {
    GuestVa at = symbol.address;
    while (at < address) {
        const std::optional<InsnClass> insn = classify(read_insn_bytes(machine, at));
        if (!insn) {
            return fail("the code before it cannot be decoded", machine.symbols().describe(at), {},
                        EILSEQ);
        }
        const GuestVa next = at + insn->length;
        if (next > address) {
            return fail("not the start of an instruction", machine.symbols().describe(address),
                        fmt::format("instructions start at {}+{:#x} and {}+{:#x}", symbol.name,
                                    at - symbol.address, symbol.name, next - symbol.address),
                        EILSEQ);
        }
        at = next;
    }
    return {};
}

const char* refusal_reason(int refusal) {
    switch (refusal) {
        case EILSEQ: return "the instruction traps by itself";
        case EINVAL: return "the instruction holds interrupts back behind itself";
        default: return "the instruction cannot run anywhere but in its place";
    }
}

}  // namespace

TextRules::TextRules(const SymbolTable& symbols) {
    constexpr std::string_view kNoKprobePrefix = "_kbl_addr_";
    constexpr std::string_view kExceptionTable[] = {"__start___ex_table", "__stop___ex_table"};
    std::map<std::string_view, GuestVa> bounds;
    for (const std::string_view bound : kExceptionTable) {
        bounds[bound] = GuestVa{};
    }
    for (const SectionSymbols& section : kText) {
        bounds[section.begin] = bounds[section.end] = GuestVa{};
    }
    for (const SectionSymbols& section : kBlacklist) {
        bounds[section.begin] = bounds[section.end] = GuestVa{};
    }
    for (const SiteSymbols& sites : kSites) {
        bounds[sites.begin] = bounds[sites.end] = GuestVa{};
    }
    for (const Symbol& symbol : symbols.all()) {
        if (const auto bound = bounds.find(symbol.name); bound != bounds.end()) {
            bound->second = symbol.address;
        } else if (symbol.name.starts_with(kNoKprobePrefix)) {
            no_kprobe_.insert(symbol.name.substr(kNoKprobePrefix.size()));
        }
    }
    for (const SectionSymbols& section : kText) {
        if (bounds[section.begin] < bounds[section.end]) {
            text_.push_back({bounds[section.begin], bounds[section.end], section.what});
        }
    }
    for (const SectionSymbols& section : kBlacklist) {
        if (bounds[section.begin] < bounds[section.end]) {
            blacklist_.push_back({bounds[section.begin], bounds[section.end], section.what});
        }
    }
    for (const SiteSymbols& sites : kSites) {
        if (bounds[sites.begin] < bounds[sites.end]) {
            site_tables_.push_back(
                {bounds[sites.begin], bounds[sites.end], sites.entry_bytes, sites.what});
        }
    }
    exception_table_ = {bounds[kExceptionTable[0]], bounds[kExceptionTable[1]]};
}

bool TextRules::is_text(GuestVa va, const Symbol& symbol) const {
    if (text_.empty()) {
        return std::string_view("tTwW").find(symbol.type) != std::string_view::npos;
    }
    return std::ranges::any_of(text_, [va](const Section& s) { return s.contains(va); });
}

std::optional<std::string> TextRules::blacklisted(GuestVa va, const Symbol& symbol) const {
    const auto section = std::ranges::find_if(blacklist_,
                                              [va](const Section& s) { return s.contains(va); });
    if (section != blacklist_.end()) {
        return fmt::format("{} is in {}, which kprobes stay out of", symbol.name, section->name);
    }
    if (no_kprobe_.contains(symbol.name)) {
        return fmt::format("{} is marked NOKPROBE", symbol.name);
    }
    return std::nullopt;
}

std::optional<std::string> TextRules::rewritten_by_kernel(const Machine& machine,
                                                          GuestVa va) const {
    if (!sites_) {
        sites_.emplace();
        for (const SiteTable& table : site_tables_) {
            for (GuestVa at = table.begin; at < table.end; at = at + table.entry_bytes) {
                if (const auto relative = emu::read_value<std::int32_t>(machine, at)) {
                    const auto distance = static_cast<std::uint64_t>(std::int64_t{*relative});
                    sites_->emplace(at + distance, table.what);
                }
            }
        }
    }
    const auto site = sites_->find(va);
    if (site == sites_->end()) {
        return std::nullopt;
    }
    return fmt::format("{} stands there, which the kernel rewrites", site->second);
}

std::vector<std::byte> read_insn_bytes(const Machine& machine, GuestVa va) {
    std::vector<std::byte> bytes(cpu::kMaxInsnBytes);
    if (machine.read(va, bytes)) {
        return bytes;
    }
    const std::uint64_t rest_of_page = kPageBytes - va.value % kPageBytes;
    bytes.resize(std::min<std::uint64_t>(rest_of_page, bytes.size()));
    if (!machine.read(va, bytes)) {
        bytes.clear();
    }
    return bytes;
}

Result<GuestVa> resolve_place(const Machine& machine, const std::string& symbol,
                              std::uint64_t offset, const std::optional<GuestVa>& address) {
    if (symbol.empty() != address.has_value()) {
        return fail("a probe needs a symbol or an address, and not both");
    }
    GuestVa va = address.value_or(GuestVa{});
    if (!symbol.empty()) {
        const Result<Symbol> found = machine.symbols().find(symbol);
        if (!found) {
            return tl::unexpected(found.error());
        }
        va = found->address;
    }
    va = va + offset;
    const Symbol* container = machine.symbols().containing(va);
    if (container == nullptr) {
        return fail("no symbol of the kernel contains this address", fmt::format("{:#x}", va.value),
                    {}, ENOENT);
    }
    constexpr std::uint64_t kEndbrBytes = 4;
    if (va == container->address && starts_with_endbr64(machine, va)) {
        va = va + kEndbrBytes;
    }
    return va;
}

bool has_exception_entry(const Machine& machine, const TextRules& rules, GuestVa address) {
    struct Entry {
        std::int32_t insn, fixup, data;
    };
    const auto [begin, end] = rules.exception_table();
    std::vector<Entry> table((end - begin) / sizeof(Entry));
    if (!machine.read(begin, std::as_writable_bytes(std::span(table)))) {
        return false;
    }
    GuestVa at = begin;  // each field is relative to itself
    return std::ranges::any_of(table, [&](const Entry& entry) {
        const GuestVa insn = at + static_cast<std::uint64_t>(std::int64_t{entry.insn});
        at = at + sizeof(Entry);
        return insn == address;
    });
}

Result<CheckedPlace> check_place(const Machine& machine, const TextRules& rules, GuestVa address,
                                 bool unsafe) {
    const SymbolTable& symbols = machine.symbols();
    const Symbol* symbol = symbols.containing(address);
    if (symbol == nullptr || !rules.is_text(address, *symbol)) {
        return fail("not kernel text", symbols.describe(address));
    }
    std::optional<std::string> why = rules.blacklisted(address, *symbol);
    if (!why) {
        why = rules.rewritten_by_kernel(machine, address);
    }
    if (why && !unsafe) {
        return fail(*why, symbols.describe(address), "it can be probed with `unsafe`");
    }
    if (Result<void> boundary = check_boundary(machine, *symbol, address); !boundary) {
        return tl::unexpected(boundary.error());
    }
    const std::vector<std::byte> bytes = read_insn_bytes(machine, address);
    std::optional<InsnClass> insn_class = classify(bytes);
    if (!insn_class) {
        return fail("not an instruction", symbols.describe(address), {}, EILSEQ);
    }
    const auto insn = cpu::decode(bytes);
    if (unsafe && insn && insn_class->refusal == EOPNOTSUPP && is_memory_branch(*insn)) {
        insn_class->refusal = 0;
    }
    if (insn_class->refusal != 0) {
        return fail(refusal_reason(insn_class->refusal), symbols.describe(address), {},
                    insn_class->refusal);
    }
    insn_class->boostable &= !has_exception_entry(machine, rules, address);
    return CheckedPlace{*insn, *insn_class};
}

}  // namespace trapgate::kernel
