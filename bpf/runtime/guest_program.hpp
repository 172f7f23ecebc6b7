// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "bpf/insn.hpp"
#include "bpf/jit/jit.hpp"
#include "bpf/maps/map.hpp"
#include "emu/window/window.hpp"

namespace trapgate::bpf {

/// A program's machine code in window text, and what it needs to stay alive. Made by
/// GuestRuntime::load; frees its text when the last owner is gone (a run in progress is one). The
/// machine must outlive it.
class GuestProgram {
public:
    GuestProgram(emu::ProbeWindow& window, emu::WindowBlock text) : window_(window), text_(text) {}
    ~GuestProgram() { window_.free_text(text_); }
    GuestProgram(const GuestProgram&) = delete;
    GuestProgram& operator=(const GuestProgram&) = delete;

    [[nodiscard]] GuestVa entry() const { return text_.va; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint32_t prog_type() const { return prog_type_; }
    [[nodiscard]] const JitImage& image() const { return image_; }
    /// The program as the encoder got it, for views beside image().lines.
    [[nodiscard]] const std::vector<Insn>& insns() const { return insns_; }
    [[nodiscard]] const std::vector<std::shared_ptr<Map>>& maps() const { return maps_; }
    /// Times it ran to its end.
    [[nodiscard]] std::uint64_t runs() const { return runs_; }
    /// Times it was ended by an exception.
    [[nodiscard]] std::uint64_t faults() const { return faults_; }

private:
    friend class GuestRuntime;
    emu::ProbeWindow& window_;
    emu::WindowBlock text_;
    std::string name_;
    std::uint32_t prog_type_ = 0;
    JitImage image_;
    std::vector<Insn> insns_;
    std::vector<std::shared_ptr<Map>> maps_;
    std::uint64_t runs_ = 0;
    std::uint64_t faults_ = 0;
};

}  // namespace trapgate::bpf
