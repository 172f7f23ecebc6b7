// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/cmos.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace trapgate::emu {
namespace {

enum Register : std::uint8_t {
    Seconds = 0x00,
    SecondsAlarm = 0x01,
    Minutes = 0x02,
    MinutesAlarm = 0x03,
    Hours = 0x04,
    HoursAlarm = 0x05,
    DayOfWeek = 0x06,  // 1 = Sunday
    DayOfMonth = 0x07,
    Month = 0x08,
    Year = 0x09,
    A = 0x0a,
    B = 0x0b,
    C = 0x0c,
    D = 0x0d,
    BaseMemory = 0x15,      // KiB below 1 MiB, low byte first
    ExtendedMemory = 0x17,  // KiB above 1 MiB, at most 65535
    ExtendedMemoryToo = 0x30,
    HighMemory = 0x34,  // 64 KiB units above 16 MiB
    Century = 0x32,
};

constexpr std::uint8_t kUpdateInProgress = 0x80;  // A
constexpr std::uint8_t kRateMask = 0x0f;
constexpr std::uint8_t kSet = 0x80;  // B
constexpr std::uint8_t kBinary = 0x04;
constexpr std::uint8_t k24Hours = 0x02;
constexpr std::uint8_t kPeriodic = 0x40;  // B (enables) and C (flags)
constexpr std::uint8_t kAlarm = 0x20;
constexpr std::uint8_t kUpdate = 0x10;
constexpr std::uint8_t kInterrupt = 0x80;  // C
constexpr std::uint8_t kValid = 0x80;      // D
constexpr std::uint8_t kPm = 0x80;         // of an hour in 12-hour mode
constexpr std::uint8_t kAnyTime = 0xc0;    // of an alarm register
constexpr std::uint64_t kUpdateWarningUs = 244;
constexpr std::uint64_t kCrystalHz = 32'768;

bool shows_time(std::uint8_t index) {
    return index == Seconds || index == Minutes || index == Hours ||
           (index >= DayOfWeek && index <= Year) || index == Century;
}

}  // namespace

Cmos::Cmos(Clock& clock, std::uint64_t ram_bytes, std::function<void(bool)> set_line)
    : clock_(clock), set_line_(std::move(set_line)) {
    registers_[A] = 0x26;  // 32.768 kHz crystal, 1024 Hz
    registers_[B] = k24Hours;
    registers_[D] = kValid;
    const auto word = [this](std::uint8_t at, std::uint64_t value) {
        const std::uint64_t shown = std::min<std::uint64_t>(value, 0xffff);
        registers_[at] = static_cast<std::uint8_t>(shown);
        registers_[at + 1U] = static_cast<std::uint8_t>(shown >> 8);
    };
    constexpr std::uint64_t kMiB = 1ULL << 20;
    word(BaseMemory, 639);
    const std::uint64_t above = ram_bytes > kMiB ? ram_bytes - kMiB : 0;
    word(ExtendedMemory, above >> 10);
    word(ExtendedMemoryToo, above >> 10);
    word(HighMemory, ram_bytes > 16 * kMiB ? (ram_bytes - 16 * kMiB) >> 16 : 0);
    show_time(kStart);
}

std::uint32_t Cmos::port_read(std::uint16_t offset, unsigned) {
    return offset == 0 ? 0xffU : read_register(index_);  // The index cannot be read back.
}

void Cmos::port_write(std::uint16_t offset, unsigned, std::uint32_t value) {
    if (offset == 0) {
        index_ = value & (kRegisters - 1);
    } else {
        write_register(index_, static_cast<std::uint8_t>(value));
    }
}

std::uint8_t Cmos::read_register(std::uint8_t index) {
    const Cycles now = clock_.now();
    advance(now);
    if (index == A) {
        const std::uint64_t hz = clock_.frequency_hz();
        const bool updating = now.value % hz >= hz - hz * kUpdateWarningUs / 1'000'000;
        return registers_[A] | (updating && !setting() ? kUpdateInProgress : std::uint8_t{0});
    }
    const std::uint8_t value = registers_[index];
    if (index == C) {
        registers_[C] = 0;
        update_line();
        clock_.reschedule();
    }
    return value;
}

void Cmos::write_register(std::uint8_t index, std::uint8_t value) {
    advance(clock_.now());
    switch (index) {
        case A:
            registers_[A] = value & ~kUpdateInProgress;
            clock_.reschedule();
            return;
        case B:
            if (setting() && (value & kSet) == 0) {
                // The date runs on from what was set.
                offset_ = shown_time() - static_cast<std::int64_t>(second_of(at_));
            }
            registers_[B] = (value & kSet) != 0 ? value & ~kUpdate : value;
            if (!setting()) {
                show_time(offset_ + static_cast<std::int64_t>(second_of(at_)));
            }
            update_line();
            clock_.reschedule();
            return;
        case C:
        case D: return;  // read-only
        default: registers_[index] = value;
    }
    if (shows_time(index) && !setting()) {
        offset_ = shown_time() - static_cast<std::int64_t>(second_of(at_));
    }
}

std::optional<Cycles> Cmos::next_event() const {
    std::optional<std::uint64_t> next;
    const auto wait_for = [&](std::uint8_t flag, std::uint64_t step) {
        if (enabled(flag) && (registers_[C] & flag) == 0 && step != 0) {
            const std::uint64_t at = (at_.value / step + 1) * step;
            next = std::min(next.value_or(at), at);
        }
    };
    wait_for(kPeriodic, period());
    if (!setting()) {
        wait_for(kUpdate, clock_.frequency_hz());
        wait_for(kAlarm, clock_.frequency_hz());  // Looks once a second.
    }
    return next ? std::optional(Cycles{*next}) : std::nullopt;
}

void Cmos::advance(Cycles now) {
    const std::uint64_t step = period();
    if (step != 0 && now.value / step != at_.value / step) {
        registers_[C] |= kPeriodic;
    }
    const std::uint64_t from = second_of(at_);
    const std::uint64_t to = second_of(now);
    at_ = now;
    if (to != from && !setting()) {
        registers_[C] |= kUpdate;
        // An alarm repeats at least daily: a longer leap needs no closer look.
        constexpr std::uint64_t kDay = 86'400;
        for (std::uint64_t second = std::max(from + 1, to - std::min(to, kDay)); second <= to;
             ++second) {
            const bool look = (registers_[C] & kAlarm) == 0;
            if (look || second == to) {
                show_time(offset_ + static_cast<std::int64_t>(second));
            }
            if (look && alarm_matches()) {
                registers_[C] |= kAlarm;
            }
        }
    }
    update_line();
}

std::uint64_t Cmos::second_of(Cycles at) const { return at.value / clock_.frequency_hz(); }

std::uint64_t Cmos::period() const {
    const unsigned rate = registers_[A] & kRateMask;
    if (rate == 0) {
        return 0;
    }
    const unsigned shift = (rate < 3 ? rate + 7 : rate) - 1;
    return (clock_.frequency_hz() << shift) / kCrystalHz;
}

bool Cmos::setting() const { return (registers_[B] & kSet) != 0; }

bool Cmos::enabled(std::uint8_t flag) const { return (registers_[B] & flag) != 0; }

void Cmos::show_time(std::int64_t unix_seconds) {
    using namespace std::chrono;
    const sys_seconds time{seconds(unix_seconds)};
    const sys_days day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    const int year = static_cast<int>(date.year());
    registers_[Seconds] = encode(static_cast<unsigned>(clock.seconds().count()));
    registers_[Minutes] = encode(static_cast<unsigned>(clock.minutes().count()));
    registers_[Hours] = encode_hour(static_cast<unsigned>(clock.hours().count()));
    registers_[DayOfWeek] = encode(weekday(day).c_encoding() + 1);
    registers_[DayOfMonth] = encode(static_cast<unsigned>(date.day()));
    registers_[Month] = encode(static_cast<unsigned>(date.month()));
    registers_[Year] = encode(static_cast<unsigned>(year % 100));
    registers_[Century] = encode(static_cast<unsigned>(year / 100));
}

std::int64_t Cmos::shown_time() const {
    using namespace std::chrono;
    const auto year_number = static_cast<int>(decode(registers_[Century]) * 100 +
                                              decode(registers_[Year]));
    // Nonsense is brought into range; the guest sees the date that comes of it.
    const year_month_day date(year(std::clamp(year_number, 1900, 9999)),
                              month(std::clamp(decode(registers_[Month]), 1U, 12U)),
                              day(std::clamp(decode(registers_[DayOfMonth]), 1U, 31U)));
    const auto time = sys_days(date) + hours(decode_hour(registers_[Hours])) +
                      minutes(decode(registers_[Minutes])) + seconds(decode(registers_[Seconds]));
    return time.time_since_epoch().count();
}

bool Cmos::alarm_matches() const {
    const auto matches = [this](Register alarm, Register time) {
        return registers_[alarm] >= kAnyTime || registers_[alarm] == registers_[time];
    };
    return matches(SecondsAlarm, Seconds) && matches(MinutesAlarm, Minutes) &&
           matches(HoursAlarm, Hours);
}

std::uint8_t Cmos::encode(unsigned value) const {
    return static_cast<std::uint8_t>((registers_[B] & kBinary) != 0 ? value
                                                                    : value / 10 * 16 + value % 10);
}

unsigned Cmos::decode(std::uint8_t value) const {
    return (registers_[B] & kBinary) != 0 ? value : value / 16U * 10 + value % 16U;
}

std::uint8_t Cmos::encode_hour(unsigned hour) const {
    if ((registers_[B] & k24Hours) != 0) {
        return encode(hour);
    }
    const unsigned shown = hour % 12 == 0 ? 12 : hour % 12;
    return static_cast<std::uint8_t>(encode(shown) | (hour >= 12 ? kPm : 0));
}

unsigned Cmos::decode_hour(std::uint8_t value) const {
    if ((registers_[B] & k24Hours) != 0) {
        return decode(value);
    }
    return decode(value & ~kPm & 0xff) % 12 + ((value & kPm) != 0 ? 12 : 0);
}

void Cmos::update_line() {
    const bool wanted = (registers_[B] & registers_[C] & (kPeriodic | kAlarm | kUpdate)) != 0;
    registers_[C] = static_cast<std::uint8_t>((registers_[C] & ~kInterrupt) |
                                              (wanted ? kInterrupt : 0));
    if (wanted != line_) {
        line_ = wanted;
        set_line_(wanted);
    }
}

}  // namespace trapgate::emu
