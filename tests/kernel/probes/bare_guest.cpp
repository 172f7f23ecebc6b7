// SPDX-License-Identifier: GPL-2.0-only
#include "tests/kernel/probes/bare_guest.hpp"

#include <utility>

#include <gtest/gtest.h>

namespace trapgate::kernel::test {

BareGuest::BareGuest(const char* begin, const char* end, std::vector<emu::Symbol> symbols)
    : code_bytes_(static_cast<std::size_t>(end - begin)) {
    Result<std::unique_ptr<emu::Machine>> made = emu::make_bare_machine();
    EXPECT_TRUE(made.has_value()) << made.error().message();
    machine_ = std::move(*made);
    if (symbols.empty()) {
        symbols.push_back({"guest_code", kCode, code_bytes_, 'T'});
    }
    emu::KernelImage image;
    image.symbols = emu::SymbolTable(std::move(symbols));
    machine_->set_kernel(std::move(image));
    EXPECT_TRUE(machine_->write(kCode, std::as_bytes(std::span(begin, code_bytes_))));
    cpu::RegisterFile registers = machine_->cpu().registers();
    registers.cr4 |= 1U << 9;  // OSFXSR: SSE works
    registers.rip = kCode.value;
    machine_->cpu().set_registers(registers);
    machine_->cpu().set_gpr(cpu::Gpr::Rsp, kStackTop.value);
}

emu::StopEvent BareGuest::run(std::uint64_t max_instructions) {
    return machine_->run({.max_instructions = max_instructions});
}

BareGuest::Outcome BareGuest::outcome() const {
    Outcome out;
    out.registers = machine_->cpu().registers();
    out.code.resize(code_bytes_);
    out.stack.resize(kStackTop - kStackBottom);
    EXPECT_TRUE(machine_->read(kCode, out.code));
    EXPECT_TRUE(machine_->read(kStackBottom, out.stack));
    return out;
}

}  // namespace trapgate::kernel::test
