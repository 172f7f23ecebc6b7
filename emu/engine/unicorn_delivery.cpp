// SPDX-License-Identifier: GPL-2.0-only
// Exceptions and interrupts on their way to the guest's IDT. The library's own delivery does the
// work (gates, privilege, stacks, frames); what it gets wrong is put right here:
//
// - faults push RF = 1 (Intel SDM vol. 3, 6.8.3), so that a restarted instruction does not meet its
//   own breakpoint again;
// - a gate that cannot be used has the error code vector * 8 + 2 in long mode too, plus EXT when it
//   was no INT n (6.13); the library shifts the vector one bit too far;
// - a fault on the way to INT n's handler is at the INT, not behind it.
#include <array>

#include "cpu/debug_registers.hpp"
#include "emu/engine/unicorn_engine.hpp"
#include "emu/engine/unicorn_internals.hpp"

namespace trapgate::emu {
namespace {

constexpr auto kDebug = static_cast<std::uint8_t>(cpu::Vector::Debug);
constexpr auto kNmi = static_cast<std::uint8_t>(cpu::Vector::Nmi);

constexpr std::uint32_t kMostBarrenExceptions = 1000;

constexpr bool in_set(std::uint32_t vectors, std::uint8_t vector) {
    return vector < 32 && ((vectors >> vector) & 1) != 0;
}

bool has_error_code(std::uint8_t vector) { return in_set(0x0002'7d00, vector); }  // 8, 10-14, 17

/// Exceptions that leave RIP at the instruction, #DB aside, which can be either.
bool is_fault(std::uint8_t vector) { return in_set(0x000b'7ce1, vector); }  // 0 5-7 10-14 16 17 19

}  // namespace

void UnicornEngine::raise_nmi() {
    nmi_pending_ = true;
    refresh_hook_deadline();
}

bool UnicornEngine::nmi_ready_at(std::uint64_t pc) const {
    const bool blocked = (state_.env<std::uint32_t>(env_offset::kHflags2) & hflag2::kNmiBlocked) !=
                         0;
    const bool held = pc >= hold_begin_.value && pc < hold_end_.value;
    return !blocked && !held && (state_.hflags() & hflag::kInhibitIrq) == 0;
}

void UnicornEngine::deliver_nmi() {
    nmi_pending_ = false;
    const auto hflags2 = state_.env<std::uint32_t>(env_offset::kHflags2);
    state_.set_env(env_offset::kHflags2, hflags2 | hflag2::kNmiBlocked);  // Until an IRET.
    deliver_interrupt(kNmi);
}

void UnicornEngine::deliver_interrupt(std::uint8_t vector) {
    host_.count_delivery(vector, vector != kNmi);
    delivery_ = {vector, false};
    do_interrupt_x86_hardirq_x86_64(state_.env_pointer(), vector, 1);
    delivery_.reset();
    state_.forget_old_exception();
    abandon_block();
}

void UnicornEngine::on_exception(std::uint8_t vector) {
    if (given_up_) {
        uc_emu_stop(uc_);
        return;
    }
    if (const std::optional<BlockPlace> place = place_in_block(linear_rip())) {
        take_back_behind(*place);
    }
    if (!state_.exception_is_int()) {
        correct_fault(vector);
    }
    forget_block();
    if (vector != kDebug) {
        watch_hit_.reset();  // The instruction faults: it will make its access again.
        guest_hits_ = 0;
    }
    if (vector == static_cast<std::uint8_t>(cpu::Vector::InvalidOpcode) && !delivery_) {
        raise_debug_if_int1();
    }
    if (delivery_) {
        correct_nested_fault(vector);
    }

    ExceptionEvent event;
    event.vector = vector;
    event.software = state_.exception_is_int();
    event.rip = {state_.eip()};
    if (!event.software) {
        pass_breakpoint_again(event.rip.value);
    }
    if (!event.software && has_error_code(vector)) {
        event.error_code = static_cast<std::uint32_t>(state_.error_code());
    }
    event.cr2 = state_.env<std::uint64_t>(env_offset::kCr + 16);
    if (vector == kDebug) {
        note_debug_exception();
    }
    if (host_.intercept_exception(event)) {
        state_.forget_old_exception();
        return;
    }
    if (only_raises_exceptions()) {
        given_up_ = true;
        stop();
        uc_emu_stop(uc_);
        return;
    }
    host_.count_delivery(vector, false);
    if (vector == kDebug) {
        state_.set_debug_register(7, state_.debug_register(7) & ~cpu::dr7::kGeneralDetect);
    }
    const bool pushes_rf = vector == kDebug ? std::exchange(debug_fault_, false)
                                            : !event.software && is_fault(vector);
    if (pushes_rf) {
        const auto eflags = state_.env<std::uint64_t>(env_offset::kEflags);
        state_.set_env(env_offset::kEflags, eflags | cpu::rflags::kRf);
    }
    delivery_ = {vector, event.software};
    // Nothing with a destructor may live here: a fault on the way leaves by longjmp.
    x86_cpu_do_interrupt_x86_64(state_.cpu_state());
    delivery_.reset();
}

bool UnicornEngine::only_raises_exceptions() {
    if (std::exchange(barren_since_, instructions_) != instructions_) {
        barren_exceptions_ = 0;
    }
    return ++barren_exceptions_ > kMostBarrenExceptions;
}

void UnicornEngine::correct_nested_fault(std::uint8_t vector) {
    const Delivery outer = *delivery_;
    delivery_.reset();
    if (outer.software) {
        std::array<std::byte, 2> code{};
        const std::uint64_t behind = linear_rip();
        const bool with_operand = fetch(behind - 2, code) == 2 && code[0] == std::byte{0xcd} &&
                                  code[1] == std::byte{outer.vector};
        state_.set_eip(state_.eip() - (with_operand ? 2 : 1));
        uncount_instruction();
    }
    constexpr int kExternal = 1;
    constexpr int kIdt = 2;
    const bool selector_error = vector >= 10 && vector <= 13;
    if (selector_error) {
        const int from_library = outer.vector * 16 + kIdt;
        int code = state_.error_code();
        if (code == from_library) {
            code = outer.vector * 8 + kIdt;
        }
        state_.set_error_code(outer.software ? code : code | kExternal);
    }
}

}  // namespace trapgate::emu
