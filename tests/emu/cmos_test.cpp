// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/cmos.hpp"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace trapgate::emu {
namespace {

class CmosTest : public testing::Test, private Clock {
protected:
    static constexpr std::uint64_t kHz = 1'000'000'000;

    std::uint8_t get(std::uint8_t index) {
        cmos_.port_write(0, 1, index | 0x80U);  // with NMI masked, as drivers do
        return static_cast<std::uint8_t>(cmos_.port_read(1, 1));
    }
    void put(std::uint8_t index, std::uint8_t value) {
        cmos_.port_write(0, 1, index);
        cmos_.port_write(1, 1, value);
    }
    void wait(double seconds) { now_ = now_ + Cycles{static_cast<std::uint64_t>(seconds * kHz)}; }
    // Lets time pass as a machine does: from event to event.
    void run(double seconds) {
        const Cycles end = now_ + Cycles{static_cast<std::uint64_t>(seconds * kHz)};
        while (true) {
            const std::optional<Cycles> event = cmos_.next_event();
            if (!event || *event > end) {
                break;
            }
            ASSERT_GT(*event, now_);
            now_ = *event;
            cmos_.advance(now_);
        }
        now_ = end;
    }
    std::string date() {
        return fmt::format("{:02x}{:02x}-{:02x}-{:02x} {:02x}:{:02x}:{:02x}", get(0x32), get(9),
                           get(8), get(7), get(4), get(2), get(0));
    }

    int rises_ = 0;
    bool line_ = false;
    Cycles now_{0};

private:
    Cycles now() const override { return now_; }
    std::uint64_t frequency_hz() const override { return kHz; }
    void reschedule() override {}

protected:
    Cmos cmos_{*this, 256ULL << 20, [this](bool level) {
                   rises_ += level ? 1 : 0;
                   line_ = level;
               }};
};

TEST_F(CmosTest, StartsAtAFixedDateAndFollowsVirtualTime) {
    EXPECT_EQ(date(), "2026-01-01 00:00:00");
    EXPECT_EQ(get(6), 5) << "a Thursday";
    wait(86'399 + 31 * 86'400.0);
    EXPECT_EQ(date(), "2026-02-01 23:59:59");
    wait(1);
    EXPECT_EQ(date(), "2026-02-02 00:00:00");
}

TEST_F(CmosTest, ShowsBinaryAnd12Hours) {
    put(0x0b, 0x06);
    wait(23 * 3600 + 59 * 60.0);
    EXPECT_EQ(get(4), 23);
    EXPECT_EQ(get(2), 59);
    EXPECT_EQ(get(9), 26);
    put(0x0b, 0x00);
    EXPECT_EQ(get(4), 0x91) << "11 PM in BCD";
    wait(60);
    EXPECT_EQ(get(4), 0x12) << "midnight";
}

TEST_F(CmosTest, CanBeSet) {
    put(0x0b, 0x82);
    for (const auto& [index, value] : {std::pair{0x32, 0x20},
                                       {9, 0x30},
                                       {8, 0x12},
                                       {7, 0x31},
                                       {4, 0x23},
                                       {2, 0x59},
                                       {0, 0x58}}) {
        put(static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(value));
    }
    wait(5);
    EXPECT_EQ(date(), "2030-12-31 23:59:58") << "it stands still while it is set";
    put(0x0b, 0x02);
    wait(3);
    EXPECT_EQ(date(), "2031-01-01 00:00:01");
}

TEST_F(CmosTest, SurvivesNonsense) {
    for (std::uint8_t index = 0; index < 0x40; ++index) {
        put(index, 0xff);
    }
    put(0x0b, 0x02);
    wait(2);
    EXPECT_EQ(get(0x0d), 0x80);
    EXPECT_LE(get(0), 0x59);
}

TEST_F(CmosTest, AnnouncesAnUpdate) {
    EXPECT_EQ(get(0x0a), 0x26);
    wait(0.9999);
    EXPECT_EQ(get(0x0a), 0xa6);
    wait(0.0001);
    EXPECT_EQ(get(0x0a), 0x26);
}

TEST_F(CmosTest, InterruptsEachSecondUntilAnswered) {
    put(0x0b, 0x12);
    run(1.5);
    EXPECT_TRUE(line_);
    EXPECT_EQ(rises_, 1);
    run(3);
    EXPECT_EQ(rises_, 1) << "not answered";
    EXPECT_EQ(get(0x0c) & 0xb0, 0x90);
    EXPECT_FALSE(line_);
    EXPECT_EQ(get(0x0c), 0x00);
    run(1);
    EXPECT_EQ(rises_, 2);
}

TEST_F(CmosTest, InterruptsPeriodically) {
    put(0x0b, 0x42);
    int answered = 0;
    for (int i = 0; i < 2000; ++i) {
        run(0.0005);
        answered += (get(0x0c) & 0x40) != 0 ? 1 : 0;
    }
    EXPECT_EQ(answered, 1024);
    put(0x0a, 0x20);
    get(0x0c);
    run(2);
    EXPECT_FALSE(line_) << "rate 0 is off";
}

TEST_F(CmosTest, RingsItsAlarm) {
    put(1, 0x30);  // at second 30 of any minute of any hour
    put(3, 0xff);
    put(5, 0xff);
    put(0x0b, 0x22);
    run(29.9);
    EXPECT_FALSE(line_);
    run(0.2);
    EXPECT_TRUE(line_);
    EXPECT_EQ(get(0x0c) & 0xa0, 0xa0);
    run(59.8);
    EXPECT_FALSE(line_);
    run(0.2);
    EXPECT_TRUE(line_);
}

TEST_F(CmosTest, SeesAnAlarmThatALongIdleTimePassedOver) {
    put(1, 0x30);
    put(3, 0x15);
    put(5, 0x03);
    wait(40 * 86'400.0);
    EXPECT_EQ(get(0x0c) & 0x20, 0x20);
}

TEST_F(CmosTest, KeepsMemoryAndTellsItsSize) {
    EXPECT_EQ(get(0x15) + 256 * get(0x16), 639);
    EXPECT_EQ(get(0x17) + 256 * get(0x18), 65535);
    EXPECT_EQ(get(0x34) + 256 * get(0x35), 240 * 16);
    put(0x40, 0xa5);
    EXPECT_EQ(get(0x40), 0xa5);
    cmos_.port_write(0, 1, 0xff);
    EXPECT_EQ(cmos_.port_read(0, 1), 0xffU);
}

}  // namespace
}  // namespace trapgate::emu
