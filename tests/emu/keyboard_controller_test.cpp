// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/keyboard_controller.hpp"

#include <gtest/gtest.h>

namespace trapgate::emu {
namespace {

class KeyboardControllerTest : public testing::Test {
protected:
    KeyboardControllerTest() { controller_.attach(bus_); }
    void command(std::uint8_t value) { bus_.write(0x64, 1, value); }
    void data(std::uint8_t value) { bus_.write(0x60, 1, value); }
    unsigned status() { return bus_.read(0x64, 1); }
    unsigned take() { return bus_.read(0x60, 1); }
    unsigned ask(std::uint8_t value) {
        command(value);
        EXPECT_EQ(status() & 0x03, 0x01U) << "answered at once";
        return take();
    }

    int resets_ = 0;
    bool line_ = false;
    KeyboardController controller_{[this](bool level) { line_ = level; }, [this] { ++resets_; }};
    PortBus bus_;
};

TEST_F(KeyboardControllerTest, AnswersItsOwnCommands) {
    EXPECT_EQ(status(), 0x14U);
    EXPECT_EQ(ask(0xaa), 0x55U);
    EXPECT_EQ(ask(0xab), 0x00U);
    EXPECT_EQ(ask(0xd0) & 0x03, 0x03U);
    EXPECT_EQ(status() & 0x01, 0U) << "a byte is taken once";
}

TEST_F(KeyboardControllerTest, KeepsItsConfiguration) {
    command(0x60);
    data(0x45);
    EXPECT_EQ(ask(0x20), 0x65U) << "the mouse port stays off";
    command(0xad);
    EXPECT_EQ(ask(0x20), 0x75U);
    command(0xae);
    EXPECT_EQ(ask(0x20), 0x65U);
}

TEST_F(KeyboardControllerTest, HasNoMousePort) {
    EXPECT_EQ(ask(0xa9), 0x02U);
    command(0xd3);
    data(0x5a);
    EXPECT_NE(take(), 0x5aU);
}

TEST_F(KeyboardControllerTest, HasNoKeyboardAndSaysSoByInterrupt) {
    command(0x60);
    data(0x01);
    data(0xf2);
    EXPECT_TRUE(line_);
    EXPECT_EQ(status() & 0x41, 0x41U) << "timeout";
    EXPECT_EQ(take(), 0xfeU);
    EXPECT_FALSE(line_);
    EXPECT_EQ(status() & 0x41, 0U);
}

TEST_F(KeyboardControllerTest, ResetsTheMachine) {
    command(0xfe);
    EXPECT_EQ(resets_, 1);
    command(0xff);
    EXPECT_EQ(resets_, 1) << "no line pulsed";
    command(0xd1);
    data(0x03);
    EXPECT_EQ(resets_, 1);
    command(0xd1);
    data(0x02);
    EXPECT_EQ(resets_, 2);
}

}  // namespace
}  // namespace trapgate::emu
