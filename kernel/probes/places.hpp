// SPDX-License-Identifier: GPL-2.0-only
// Where a kprobe may stand: symbol + offset to address, and Linux's checks of the address.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "cpu/decode.hpp"
#include "emu/machine.hpp"
#include "kernel/probes/insn_class.hpp"

namespace trapgate::kernel {

/// Which parts of the kernel are text, and which of them kprobes stay out of. Made once for a
/// symbol table: it looks at every symbol.
class TextRules {
public:
    explicit TextRules(const emu::SymbolTable& symbols);

    /// `symbol` is the one that contains `va`. Without the linker's section bounds its type
    /// decides.
    [[nodiscard]] bool is_text(GuestVa va, const emu::Symbol& symbol) const;
    /// Why `va` is blacklisted, or nothing.
    [[nodiscard]] std::optional<std::string> blacklisted(GuestVa va,
                                                         const emu::Symbol& symbol) const;
    /// Where the exception table lies; empty when the kernel has none.
    [[nodiscard]] std::pair<GuestVa, GuestVa> exception_table() const { return exception_table_; }
    /// Why the kernel may rewrite the instruction at `va` while it runs, or nothing.
    [[nodiscard]] std::optional<std::string> rewritten_by_kernel(const emu::Machine& machine,
                                                                 GuestVa va) const;

private:
    struct Section {
        GuestVa begin, end;
        std::string_view name;
        [[nodiscard]] bool contains(GuestVa va) const { return va >= begin && va < end; }
    };
    std::vector<Section> text_;
    std::vector<Section> blacklist_;
    std::set<std::string> no_kprobe_;
    std::pair<GuestVa, GuestVa> exception_table_;
    /// Tables of places that begin with the place, relative to the entry: jump labels, static
    /// calls.
    struct SiteTable {
        GuestVa begin, end;
        std::uint64_t entry_bytes = 0;
        std::string_view what;
    };
    std::vector<SiteTable> site_tables_;
    mutable std::optional<std::map<GuestVa, std::string_view>> sites_;  ///< Read at first use.
};

/// Up to 15 bytes at `va` as the guest wrote them; fewer at the end of mapped memory, none when it
/// is not mapped.
[[nodiscard]] std::vector<std::byte> read_insn_bytes(const emu::Machine& machine, GuestVa va);

/// Whether the kernel's exception table (__ex_table, Linux's three-word format) has an entry for
/// the instruction at `address`: it may fault by design, and is found again by its address.
[[nodiscard]] bool has_exception_entry(const emu::Machine& machine, const TextRules& rules,
                                       GuestVa address);

/// What check_place found out.
struct CheckedPlace {
    cpu::DecodedInsn insn;
    InsnClass insn_class;  ///< Not boostable, as on Linux, where the exception table has an entry.
};

/// The address that Linux would probe: EINVAL when both or neither of symbol and address are given,
/// ENOENT for an unknown symbol (with the nearest names) or an address that no symbol contains. A
/// probe on a function's ENDBR64 moves behind it, as in kernels with indirect branch tracking.
[[nodiscard]] Result<GuestVa> resolve_place(const emu::Machine& machine, const std::string& symbol,
                                            std::uint64_t offset,
                                            const std::optional<GuestVa>& address);

/// The checks of register_kprobe at `address`, which resolve_place gave: EINVAL not kernel text or
/// blacklisted, EILSEQ not the start of an instruction when decoding from the symbol's start (the
/// hint names the neighbours) or one that traps by itself, and InsnClass::refusal.
/// `unsafe`: the blacklist, jump labels and static calls do not count, nor does the refusal of CALL
/// and JMP through memory.
[[nodiscard]] Result<CheckedPlace> check_place(const emu::Machine& machine, const TextRules& rules,
                                               GuestVa address, bool unsafe = false);

}  // namespace trapgate::kernel
