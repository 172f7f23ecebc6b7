// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>

#include "emu/machine.hpp"
#include "kernel/events/kernel_facts.hpp"

struct btf;

namespace trapgate::kernel {

/// The symbols and the BTF of a machine's kernel. BTF is read at the first question, by libbpf; a
/// kernel without it has no functions and no types. The machine must outlive it.
class MachineFacts final : public KernelFacts {
public:
    explicit MachineFacts(const emu::Machine& machine);
    ~MachineFacts() override;

    [[nodiscard]] unsigned symbols_named(std::string_view name) const override;
    [[nodiscard]] std::optional<std::uint64_t> address_of(std::string_view name) const override;
    [[nodiscard]] std::string near_symbols(std::string_view name) const override;
    [[nodiscard]] std::optional<BtfFunction> function(std::string_view name) const override;
    [[nodiscard]] std::optional<BtfType> type(std::uint32_t id) const override;
    [[nodiscard]] std::optional<BtfMember> member(std::uint32_t structure,
                                                  std::string_view name) const override;
    [[nodiscard]] std::vector<std::string> member_names(std::uint32_t structure) const override;

private:
    struct Free {
        void operator()(btf* types) const;
    };
    /// Null without BTF.
    [[nodiscard]] const btf* types() const;

    const emu::Machine& machine_;
    mutable std::unique_ptr<btf, Free> types_;
    mutable bool looked_ = false;
};

}  // namespace trapgate::kernel
