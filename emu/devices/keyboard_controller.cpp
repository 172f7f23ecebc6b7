// SPDX-License-Identifier: GPL-2.0-only
#include "emu/devices/keyboard_controller.hpp"

#include <utility>

namespace trapgate::emu {
namespace {

constexpr std::uint8_t kOutputFull = 0x01;  // status
constexpr std::uint8_t kSystemFlag = 0x04;  // status and config: the self-test has been passed
constexpr std::uint8_t kLastWasCommand = 0x08;
constexpr std::uint8_t kUnlocked = 0x10;
constexpr std::uint8_t kTimeout = 0x40;
constexpr std::uint8_t kAnswerBits = kOutputFull | kTimeout;

constexpr std::uint8_t kInterruptOn = 0x01;  // config
constexpr std::uint8_t kKeyboardOff = 0x10;
constexpr std::uint8_t kMouseOff = 0x20;

constexpr std::uint8_t kNotReset = 0x01;  // output port
constexpr std::uint8_t kA20 = 0x02;
constexpr std::uint8_t kResend = 0xfe;

enum Command : std::uint8_t {
    ReadConfig = 0x20,
    WriteConfig = 0x60,
    MouseOff = 0xa7,
    MouseOn = 0xa8,
    TestMouse = 0xa9,
    SelfTest = 0xaa,
    TestKeyboard = 0xab,
    KeyboardOff = 0xad,
    KeyboardOn = 0xae,
    ReadOutputPort = 0xd0,
    WriteOutputPort = 0xd1,
    EchoKeyboard = 0xd2,
    EchoMouse = 0xd3,
    WriteMouse = 0xd4,
    PulseFirst = 0xf0,
};

}  // namespace

KeyboardController::KeyboardController(std::function<void(bool)> set_line,
                                       std::function<void()> on_reset)
    : set_line_(std::move(set_line)),
      on_reset_(std::move(on_reset)),
      status_(kSystemFlag | kUnlocked),
      config_(kSystemFlag | kMouseOff | kKeyboardOff),
      output_port_(kNotReset | kA20) {}

void KeyboardController::attach(PortBus& bus) {
    bus.map(0x60, 1, data_port_);
    bus.map(0x64, 1, command_port_);
}

std::uint32_t KeyboardController::Port::port_read(std::uint16_t, unsigned) {
    return command_ ? owner_.status_ : owner_.take();
}

void KeyboardController::Port::port_write(std::uint16_t, unsigned, std::uint32_t value) {
    if (command_) {
        owner_.command(static_cast<std::uint8_t>(value));
    } else {
        owner_.data(static_cast<std::uint8_t>(value));
    }
}

std::uint8_t KeyboardController::take() {
    status_ &= static_cast<std::uint8_t>(~kAnswerBits);
    update_line();
    return output_;
}

void KeyboardController::answer(std::uint8_t value, std::uint8_t status) {
    output_ = value;
    status_ = static_cast<std::uint8_t>((status_ & ~kAnswerBits) | kOutputFull | status);
    update_line();
}

void KeyboardController::command(std::uint8_t value) {
    status_ |= kLastWasCommand;
    pending_ = 0;
    switch (value) {
        case ReadConfig: answer(config_); return;
        case SelfTest:
            config_ |= kSystemFlag;
            answer(0x55);
            return;
        case TestKeyboard: answer(0x00); return;  // The lines are right.
        case TestMouse: answer(0x02); return;     // The clock line is stuck high: no such port.
        case KeyboardOff: config_ |= kKeyboardOff; return;
        case KeyboardOn: config_ &= static_cast<std::uint8_t>(~kKeyboardOff); return;
        case MouseOff:
        case MouseOn: return;  // There is none; its bit in the config stays.
        case ReadOutputPort: answer(output_port_); return;
        case WriteConfig:
        case WriteOutputPort:
        case EchoKeyboard:
        case EchoMouse:
        case WriteMouse: pending_ = value; return;
        default: break;
    }
    if (value >= PulseFirst && (value & kNotReset) == 0) {
        on_reset_();
    }
}

void KeyboardController::data(std::uint8_t value) {
    status_ &= static_cast<std::uint8_t>(~kLastWasCommand);
    switch (std::exchange(pending_, std::uint8_t{0})) {
        case WriteConfig:
            config_ = value | kMouseOff;
            update_line();
            return;
        case WriteOutputPort: write_output_port(value); return;
        case EchoKeyboard: answer(value); return;
        case EchoMouse:
        case WriteMouse:
        default: answer(kResend, kTimeout); return;
    }
}

void KeyboardController::write_output_port(std::uint8_t value) {
    output_port_ = value | kNotReset;
    if ((value & kNotReset) == 0) {
        on_reset_();
    }
}

void KeyboardController::update_line() {
    const bool wanted = (status_ & kOutputFull) != 0 && (config_ & kInterruptOn) != 0;
    if (wanted != line_) {
        line_ = wanted;
        set_line_(wanted);
    }
}

}  // namespace trapgate::emu
