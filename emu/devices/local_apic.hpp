// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// The local APIC of one CPU (xAPIC, memory-mapped at 0xfee00000): priorities, fixed interrupts,
/// EOI, self-IPIs, LINT0/1, and the timer with its one-shot, periodic and TSC-deadline modes. After
/// reset it is as firmware leaves it: enabled, LINT0 passing the 8259's interrupts (virtual wire),
/// LINT1 NMI. Source: Intel SDM vol. 3, chapter 11.

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <optional>

#include "emu/devices/timed_device.hpp"

namespace trapgate::emu {

inline constexpr GuestPa kLocalApicBase{0xfee0'0000};

class LocalApic final : public TimedDevice {
public:
    struct Outputs {
        std::function<void()> changed;  ///< Whether an interrupt is pending may have changed.
        std::function<void(std::uint8_t vector)> eoi;     ///< A level-triggered interrupt was
                                                          ///< finished.
        std::function<void(std::uint64_t command)> send;  ///< ICR written: an interprocessor
                                                          ///< interrupt.
    };
    LocalApic(Clock& clock, std::uint8_t id, Outputs outputs);
    LocalApic(const LocalApic&) = delete;
    LocalApic& operator=(const LocalApic&) = delete;

    /// What INIT does. The base MSR stays.
    void reset();

    [[nodiscard]] std::uint32_t read(std::uint32_t offset) const;
    void write(std::uint32_t offset, std::uint32_t value);

    /// IA32_APIC_BASE and IA32_TSC_DEADLINE (in cycles of the machine's clock; 0 = disarmed).
    [[nodiscard]] std::uint64_t base_msr() const { return base_msr_; }
    /// False for a value with reserved bits: #GP(0).
    [[nodiscard]] bool set_base_msr(std::uint64_t value);
    [[nodiscard]] std::uint64_t deadline() const { return tsc_deadline_; }
    void set_deadline(std::uint64_t cycles);

    /// A fixed interrupt arrives.
    void request(std::uint8_t vector, bool level_triggered);
    /// The highest requested vector that the priorities let through.
    [[nodiscard]] std::optional<std::uint8_t> pending() const;
    /// INTA for pending().
    std::uint8_t acknowledge();
    /// Whether the 8259's INTR reaches the CPU through LINT0.
    [[nodiscard]] bool passes_external() const;
    [[nodiscard]] std::uint8_t id() const { return id_; }
    /// Whether an interrupt for this logical destination (flat model) is for this CPU.
    [[nodiscard]] bool in_logical_destination(std::uint8_t mask) const;

    [[nodiscard]] std::optional<Cycles> next_event() const override;
    void advance(Cycles now) override;

    template <class Archive>
    void fields(Archive& archive) {
        archive("local-apic", 1, id_, base_msr_, request_, service_, level_, lvt_, spurious_,
                task_priority_, logical_id_, destination_format_, error_status_, command_, divide_,
                initial_count_, timer_start_, timer_next_, tsc_deadline_);
        if constexpr (Archive::kReads) {
            const std::bitset<256> used = request_ | service_;
            bool possible = (divide_ & ~kDivideBits) == 0 && task_priority_ <= 0xff &&
                            spurious_ <= 0x1ff;
            for (std::size_t vector = 0; vector < kFirstVector; ++vector) {
                possible = possible && !used.test(vector);
            }
            archive.check(possible, "an interrupt controller that no CPU has");
        }
    }

private:
    static constexpr std::size_t kFirstVector = 16;  ///< Those below are illegal.
    static constexpr std::uint32_t kDivideBits = 0xb;
    enum Lvt : std::size_t { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvtCount };

    [[nodiscard]] bool enabled() const;
    [[nodiscard]] std::uint8_t processor_priority() const;
    [[nodiscard]] std::uint32_t divider() const;
    [[nodiscard]] std::uint32_t timer_mode() const { return (lvt_[kTimer] >> 17) & 3; }
    [[nodiscard]] std::uint32_t current_count() const;
    void start_timer(std::uint32_t count);
    void end_of_interrupt();
    void send_command(std::uint32_t low);
    [[nodiscard]] std::optional<std::size_t> lvt_at(std::uint32_t offset) const;

    Clock& clock_;
    std::uint8_t id_;
    Outputs outputs_;
    std::uint64_t base_msr_;
    std::bitset<256> request_, service_, level_;  // IRR, ISR, TMR
    std::array<std::uint32_t, kLvtCount> lvt_;
    std::uint32_t spurious_ = 0x1ff;
    std::uint32_t task_priority_ = 0;
    std::uint32_t logical_id_ = 0;
    std::uint32_t destination_format_ = 0xffff'ffff;
    std::uint32_t error_status_ = 0;
    std::uint64_t command_ = 0;
    std::uint32_t divide_ = 0;
    std::uint32_t initial_count_ = 0;
    Cycles timer_start_{0};
    std::optional<Cycles> timer_next_;
    std::uint64_t tsc_deadline_ = 0;
};

}  // namespace trapgate::emu
