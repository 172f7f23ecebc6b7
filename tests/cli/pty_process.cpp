// SPDX-License-Identifier: GPL-2.0-only
#include "tests/cli/pty_process.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>

namespace trapgate::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience(60);

}  // namespace

PtyProcess::PtyProcess(const std::string& command) {
    int fd = -1;
    const char* path = std::getenv("PATH");
    const std::string places = "PATH=" TRAPGATE_BIN_DIR ":" +
                               std::string(path == nullptr ? "" : path);
    child_ = ::forkpty(&fd, nullptr, nullptr, nullptr);
    if (child_ == 0) {
        ::putenv(const_cast<char*>(places.c_str()));
        ::execlp("bash", "bash", "-c", command.c_str(), nullptr);
        ::_exit(127);
    }
    EXPECT_GE(child_, 0);
    terminal_.reset(fd);
}

PtyProcess::~PtyProcess() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
}

void PtyProcess::type(std::string_view keys) {
    EXPECT_EQ(::write(terminal_.get(), keys.data(), keys.size()),
              static_cast<ssize_t>(keys.size()));
}

bool PtyProcess::read_some() {
    pollfd wanted{terminal_.get(), POLLIN, 0};
    constexpr int kStepMs = 100;
    if (::poll(&wanted, 1, kStepMs) == 0) {
        return true;
    }
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(terminal_.get(), buffer.data(), buffer.size());
    if (got > 0) {
        shown_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0 || (got < 0 && errno == EINTR);
}

bool PtyProcess::shows(std::string_view text) {
    const Clock::time_point deadline = Clock::now() + kPatience;
    while (shown_.find(text) == std::string::npos) {
        if (Clock::now() > deadline || !read_some()) {
            return shown_.find(text) != std::string::npos;
        }
    }
    return true;
}

int PtyProcess::wait() {
    const Clock::time_point deadline = Clock::now() + kPatience;
    int status = 0;
    while (::waitpid(child_, &status, WNOHANG) == 0) {
        if (Clock::now() > deadline) {
            ADD_FAILURE() << "it does not end; shown so far:\n" << shown_;
            return -1;
        }
        read_some();
    }
    while (read_some() && Clock::now() < deadline) {
        pollfd more{terminal_.get(), POLLIN, 0};
        if (::poll(&more, 1, 0) <= 0) {
            break;
        }
    }
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void PtyProcess::send_signal(int signal) const { ::kill(child_, signal); }

bool PtyProcess::terminal_is_cooked() const {
    termios settings{};
    EXPECT_EQ(::tcgetattr(terminal_.get(), &settings), 0);
    return (settings.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) &&
           (settings.c_iflag & ICRNL) != 0;
}

}  // namespace trapgate::cli
