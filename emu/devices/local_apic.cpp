// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/local_apic.hpp"

#include <algorithm>
#include <utility>

namespace trapgate::emu {
namespace {

constexpr std::uint32_t kVersion = 0x0005'0014;  // integrated APIC, 6 LVT entries
constexpr std::uint64_t kBaseEnable = 1ULL << 11;
constexpr std::uint64_t kBaseBootstrap = 1ULL << 8;
constexpr std::uint32_t kMasked = 1U << 16;
constexpr std::uint32_t kSoftwareEnable = 1U << 8;
constexpr std::uint32_t kModeExternal = 7U << 8;  // ExtINT
constexpr std::uint32_t kModeNmi = 4U << 8;
constexpr std::uint32_t kModeMask = 7U << 8;
constexpr std::uint32_t kOneShot = 0;
constexpr std::uint32_t kPeriodic = 1;
constexpr std::uint32_t kTscDeadline = 2;
constexpr std::uint32_t kIllegalVector = 1U << 6;  // ESR: received illegal vector

std::optional<std::uint8_t> highest(const std::bitset<256>& vectors) {
    for (int vector = 255; vector >= 0; --vector) {
        if (vectors.test(static_cast<std::size_t>(vector))) {
            return static_cast<std::uint8_t>(vector);
        }
    }
    return std::nullopt;
}

std::uint32_t word_of(const std::bitset<256>& vectors, std::uint32_t offset) {
    const std::size_t first = ((offset >> 4) & 7) * 32;
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        word |= vectors.test(first + i) ? 1U << i : 0U;
    }
    return word;
}

}  // namespace

LocalApic::LocalApic(Clock& clock, std::uint8_t id, Outputs outputs)
    : clock_(clock),
      id_(id),
      outputs_(std::move(outputs)),
      base_msr_(kLocalApicBase.value | kBaseEnable | (id == 0 ? kBaseBootstrap : 0)) {
    reset();
    if (id == 0) {  // What firmware sets up on the CPU that it starts.
        spurious_ = 0x1ff;
        lvt_[kLint0] = kModeExternal;
        lvt_[kLint1] = kModeNmi;
    }
}

void LocalApic::reset() {
    lvt_.fill(kMasked);
    request_.reset();
    service_.reset();
    level_.reset();
    spurious_ = 0xff;
    task_priority_ = 0;
    logical_id_ = 0;
    destination_format_ = 0xffff'ffff;
    error_status_ = 0;
    command_ = 0;
    divide_ = 0;
    initial_count_ = 0;
    timer_start_ = Cycles{0};
    timer_next_.reset();
    tsc_deadline_ = 0;
}

bool LocalApic::enabled() const {
    return (base_msr_ & kBaseEnable) != 0 && (spurious_ & kSoftwareEnable) != 0;
}

bool LocalApic::set_base_msr(std::uint64_t value) {
    constexpr std::uint64_t kAddress = 0xff'ffff'f000;
    constexpr std::uint64_t kChangeable = kBaseEnable;  // It cannot be moved here.
    if ((value & ~(kAddress | kBaseEnable | kBaseBootstrap)) != 0) {
        return false;
    }
    base_msr_ = (base_msr_ & ~kChangeable) | (value & kChangeable);
    outputs_.changed();
    return true;
}

std::uint8_t LocalApic::processor_priority() const {
    const std::uint8_t in_service = highest(service_).value_or(0) & 0xf0;
    const auto task = static_cast<std::uint8_t>(task_priority_);
    return (task & 0xf0) >= in_service ? task : in_service;
}

std::optional<std::uint8_t> LocalApic::pending() const {
    if (!enabled()) {
        return std::nullopt;
    }
    const std::optional<std::uint8_t> vector = highest(request_);
    const bool through = vector && (*vector & 0xf0) > (processor_priority() & 0xf0);
    return through ? vector : std::nullopt;
}

bool LocalApic::passes_external() const {
    if ((base_msr_ & kBaseEnable) == 0) {
        return true;  // Without a local APIC the pin is the CPU's own.
    }
    return (lvt_[kLint0] & (kMasked | kModeMask)) == kModeExternal;
}

void LocalApic::request(std::uint8_t vector, bool level_triggered) {
    if (vector < kFirstVector) {
        error_status_ |= kIllegalVector;
        return;
    }
    request_.set(vector);
    level_.set(vector, level_triggered);
    outputs_.changed();
}

std::uint8_t LocalApic::acknowledge() {
    const std::optional<std::uint8_t> vector = pending();
    if (!vector) {
        return static_cast<std::uint8_t>(spurious_);
    }
    request_.reset(*vector);
    service_.set(*vector);
    outputs_.changed();
    return *vector;
}

void LocalApic::end_of_interrupt() {
    const std::optional<std::uint8_t> vector = highest(service_);
    if (!vector) {
        return;
    }
    service_.reset(*vector);
    if (level_.test(*vector)) {
        outputs_.eoi(*vector);
    }
    outputs_.changed();
}

bool LocalApic::in_logical_destination(std::uint8_t mask) const {
    return (static_cast<std::uint8_t>(logical_id_ >> 24) & mask) != 0;
}

// --- Timer
// ------------------------------------------------------------------------------------------

std::uint32_t LocalApic::divider() const {
    const std::uint32_t code = (divide_ & 3) | ((divide_ >> 1) & 4);
    return code == 7 ? 1 : 2U << code;
}

std::uint32_t LocalApic::current_count() const {
    if (!timer_next_ || timer_mode() == kTscDeadline) {
        return 0;
    }
    const Cycles left = *timer_next_ > clock_.now() ? *timer_next_ - clock_.now() : Cycles{0};
    return static_cast<std::uint32_t>((left.value + divider() - 1) / divider());
}

void LocalApic::start_timer(std::uint32_t count) {
    initial_count_ = count;
    timer_start_ = clock_.now();
    timer_next_.reset();
    if (count != 0 && timer_mode() != kTscDeadline) {
        timer_next_ = timer_start_ + Cycles{std::uint64_t{count} * divider()};
    }
    clock_.reschedule();
}

void LocalApic::set_deadline(std::uint64_t cycles) {
    if (timer_mode() != kTscDeadline) {
        return;
    }
    tsc_deadline_ = cycles;
    timer_next_ = cycles == 0 ? std::nullopt : std::optional(Cycles{cycles});
    clock_.reschedule();
}

std::optional<Cycles> LocalApic::next_event() const { return timer_next_; }

void LocalApic::advance(Cycles now) {
    while (timer_next_ && *timer_next_ <= now) {
        if (timer_mode() == kPeriodic) {
            timer_next_ = *timer_next_ + Cycles{std::max<std::uint64_t>(
                                             1, std::uint64_t{initial_count_} * divider())};
        } else {
            timer_next_.reset();
            tsc_deadline_ = 0;
        }
        if ((lvt_[kTimer] & kMasked) == 0 && enabled()) {
            request(static_cast<std::uint8_t>(lvt_[kTimer]), false);
        }
    }
}

// --- Registers
// --------------------------------------------------------------------------------------

std::optional<std::size_t> LocalApic::lvt_at(std::uint32_t offset) const {
    if (offset < 0x320 || offset > 0x370) {
        return std::nullopt;
    }
    return (offset - 0x320) >> 4;
}

std::uint32_t LocalApic::read(std::uint32_t offset) const {
    offset &= 0xff0;
    if (const std::optional<std::size_t> lvt = lvt_at(offset)) {
        return lvt_[*lvt];
    }
    switch (offset) {
        case 0x020: return std::uint32_t{id_} << 24;
        case 0x030: return kVersion;
        case 0x080: return task_priority_;
        case 0x0a0: return processor_priority();
        case 0x0d0: return logical_id_;
        case 0x0e0: return destination_format_;
        case 0x0f0: return spurious_;
        case 0x280: return error_status_;
        case 0x300: return static_cast<std::uint32_t>(command_);
        case 0x310: return static_cast<std::uint32_t>(command_ >> 32);
        case 0x380: return initial_count_;
        case 0x390: return current_count();
        case 0x3e0: return divide_;
        default: break;
    }
    if (offset >= 0x100 && offset < 0x180) {
        return word_of(service_, offset);
    }
    if (offset >= 0x180 && offset < 0x200) {
        return word_of(level_, offset);
    }
    if (offset >= 0x200 && offset < 0x280) {
        return word_of(request_, offset);
    }
    return 0;
}

void LocalApic::send_command(std::uint32_t low) {
    constexpr std::uint32_t kDeliveryPending = 1U << 12;
    command_ = (command_ & ~0xffff'ffffULL) | (low & ~kDeliveryPending);
    outputs_.send(command_);
}

void LocalApic::write(std::uint32_t offset, std::uint32_t value) {
    offset &= 0xff0;
    if (const std::optional<std::size_t> lvt = lvt_at(offset)) {
        lvt_[*lvt] = (spurious_ & kSoftwareEnable) != 0 ? value : value | kMasked;
        if (*lvt == kTimer && timer_mode() != kOneShot && timer_mode() != kPeriodic) {
            start_timer(0);
        }
        outputs_.changed();
        return;
    }
    switch (offset) {
        case 0x080: task_priority_ = value & 0xff; break;
        case 0x0b0: end_of_interrupt(); break;
        case 0x0d0: logical_id_ = value & 0xff00'0000; break;
        case 0x0e0: destination_format_ = value | 0x0fff'ffff; break;
        case 0x0f0:
            spurious_ = value & 0x1ff;
            if ((spurious_ & kSoftwareEnable) == 0) {
                for (std::uint32_t& entry : lvt_) {
                    entry |= kMasked;
                }
            }
            break;
        case 0x280: error_status_ = 0; break;
        case 0x300: send_command(value); break;
        case 0x310: command_ = (command_ & 0xffff'ffff) | (std::uint64_t{value} << 32); break;
        case 0x380: start_timer(value); break;
        case 0x3e0: divide_ = value & kDivideBits; break;
        default: break;
    }
    outputs_.changed();
}

}  // namespace trapgate::emu
