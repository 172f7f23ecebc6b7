// SPDX-License-Identifier: GPL-2.0-only
#include "base/process.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace trapgate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCannotRun = 127;  // as the shell's
constexpr int kSignalBase = 128;

struct Pipe {
    UniqueFd read_end, write_end;
    Pipe() {
        std::array<int, 2> ends{-1, -1};
        if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
            read_end.reset(ends[0]);
            write_end.reset(ends[1]);
        }
    }
};

// In the child: only async-signal-safe calls from here on.
[[noreturn]] void become(char* const* arguments, char* const* environment, const char* folder,
                         int out, int err) {
    ::setpgid(0, 0);  // so that whatever it starts ends with it
    const int null = ::open("/dev/null", O_RDONLY);
    if (null >= 0) {
        ::dup2(null, STDIN_FILENO);
    }
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    std::signal(SIGPIPE, SIG_DFL);
    if (folder != nullptr && ::chdir(folder) != 0) {
        ::_exit(kCannotRun);
    }
    ::execvpe(arguments[0], arguments, environment);
    ::_exit(kCannotRun);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        list.push_back(text.data());
    }
    list.push_back(nullptr);
    return list;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
    std::vector<std::string> all;
    const auto name_of = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const bool replaced = std::ranges::any_of(
            added, [&](const std::string& other) { return name_of(other) == name_of(*entry); });
        if (!replaced) {
            all.emplace_back(*entry);
        }
    }
    all.insert(all.end(), added.begin(), added.end());
    return all;
}

// Reads one of the two streams; closes it at its end.
void read_some(UniqueFd& from, std::string& to, std::size_t limit) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got > 0) {
        const std::size_t room = limit - std::min(limit, to.size());
        to.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        from.reset();
    }
}

// True when both streams ended in time.
bool collect(UniqueFd& out, UniqueFd& err, const ProcessOptions& options, ProcessResult& result) {
    const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(options.max_seconds));
    while (out || err) {
        std::array<pollfd, 2> wanted{pollfd{out ? out.get() : -1, POLLIN, 0},
                                     pollfd{err ? err.get() : -1, POLLIN, 0}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline -
                                                                                Clock::now())
                              .count();
        if (left <= 0) {
            return false;
        }
        ::poll(wanted.data(), wanted.size(), static_cast<int>(left));
        if (wanted[0].revents != 0) {
            read_some(out, result.out, options.max_output);
        }
        if (wanted[1].revents != 0) {
            read_some(err, result.err, options.max_output);
        }
    }
    return true;
}

}  // namespace

Result<ProcessResult> run_process(const std::vector<std::string>& command,
                                  const ProcessOptions& options) {
    if (!find_program({command.front()})) {
        return fail("no such program", command.front(), "is it installed, and in PATH?", ENOENT);
    }
    std::vector<std::string> words = command;
    std::vector<std::string> environment = environment_with(options.environment);
    const std::vector<char*> arguments = pointers(words);
    const std::vector<char*> variables = pointers(environment);
    const std::string folder = options.folder.string();
    Pipe out;
    Pipe err;
    const pid_t child = ::fork();
    if (child < 0) {
        return fail(std::strerror(errno), command.front(), {}, errno);
    }
    if (child == 0) {
        become(arguments.data(), variables.data(), folder.empty() ? nullptr : folder.c_str(),
               out.write_end.get(), err.write_end.get());
    }
    out.write_end.reset();
    err.write_end.reset();
    ProcessResult result;
    result.timed_out = !collect(out.read_end, err.read_end, options, result);
    if (result.timed_out) {
        ::kill(-child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
    return result;
}

std::optional<std::string> find_program(const std::vector<std::string>& names) {
    const char* path = std::getenv("PATH");
    for (const std::string& name : names) {
        if (name.find('/') != std::string::npos) {
            if (::access(name.c_str(), X_OK) == 0) {
                return name;
            }
            continue;
        }
        std::istringstream folders(path == nullptr ? "" : path);
        for (std::string folder; std::getline(folders, folder, ':');) {
            if (::access(folder.append("/").append(name).c_str(), X_OK) == 0) {
                return name;
            }
        }
    }
    return std::nullopt;
}

}  // namespace trapgate
