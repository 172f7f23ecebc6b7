// SPDX-License-Identifier: GPL-2.0-only
#include "cli/run_options.hpp"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.hpp"
#include "base/values.hpp"
#include "cli/terminal.hpp"
#include "kernel/session/guest_files.hpp"
#include "kernel/session/guest_program.hpp"
#include "kernel/session/shipped.hpp"

namespace trapgate::cli {
namespace {

constexpr std::string_view kDebianKernel = "vmlinuz";

Result<void> check_model(const std::string& name) {
    const std::vector<std::string_view>& names = model_names();
    if (std::ranges::find(names, name) != names.end()) {
        return {};
    }
    const std::string near = did_you_mean(nearest_names(name, names));
    return fail(fmt::format("no such timing model: {}", name), "--model",
                near.empty() ? fmt::format("there is: {}", fmt::join(names, ", ")) : near);
}

Result<unsigned> read_cpus(const std::string& text) {
    const Result<std::uint64_t> count = parse_count(text, "--cpus");
    if (!count || *count > emu::kMaxCpus) {
        return fail(fmt::format("not a number of CPUs: \"{}\"", text), "--cpus",
                    fmt::format("1 to {}", emu::kMaxCpus));
    }
    return static_cast<unsigned>(*count);
}

// Better now than after a long run.
Result<void> check_writable(const std::filesystem::path& file, const std::string& option) {
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    if (::access(folder.c_str(), W_OK) != 0) {
        return fail(fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)), option,
                    "its folder must exist and be writable", errno);
    }
    return {};
}

Result<void> check_readable(const std::filesystem::path& file, const std::string& what) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        return fail("is a folder", file.string(), fmt::format("name {}", what), EISDIR);
    }
    if (::access(file.c_str(), R_OK) != 0) {
        const int reason = errno;
        return fail(reason == ENOENT ? fmt::format("no such file, wanted {}", what)
                                     : fmt::format("cannot be read: {}", std::strerror(reason)),
                    file.string(), near_files(file), reason);
    }
    return {};
}

Result<std::filesystem::path> choose_kernel(const RunWords& words) {
    if (!words.image.empty() && !words.kernel.empty()) {
        return fail("a kernel is named twice: " + words.image + " and " + words.kernel, "--kernel",
                    "IMAGE and --kernel FILE mean the same");
    }
    const std::string& named = words.image.empty() ? words.kernel : words.image;
    if (named.empty()) {
        return kernel::default_image();
    }
    std::filesystem::path found = kernel::shipped_or(named);
    if (std::filesystem::exists(found) || named != kDebianKernel) {
        return found;
    }
    found = kernel::debian_file(named);
    if (!std::filesystem::exists(found)) {
        return fail("Debian's kernel is not here", named, "./dev fetch-linux gets it", ENOENT);
    }
    return found;
}

// What the guest does when it is up.
enum class Job {
    Shell,     ///< On the console, until its end.
    Command,   ///< One, by a shell.
    Program,   ///< One of the user's.
    KernelOwn  ///< What the kernel does with nothing but what was named.
};

Result<Job> choose_job(const RunWords& words) {
    const bool runs_something = !words.shell.empty() || !words.program.empty();
    if (!words.shell.empty() && !words.program.empty()) {
        return fail("a command and a program: only one can run", "--sh",
                    "--add the program and call it in the command");
    }
    if (words.workload && (runs_something || !words.initrd.empty() || !words.added.empty())) {
        return fail("the kernel's own workload runs without any files", "--workload",
                    "leave it out to run something else");
    }
    if (runs_something) {
        return words.program.empty() ? Job::Command : Job::Program;
    }
    const bool names_system = !words.image.empty() || !words.kernel.empty() ||
                              !words.initrd.empty();
    const bool watches = !words.probes.empty() || !words.objects.empty() || !words.until.empty() ||
                         !words.append.empty();
    if (words.workload || names_system || (watches && words.added.empty())) {
        return Job::KernelOwn;
    }
    return Job::Shell;
}

Result<emu::PaceMode> read_pace(const std::string& text, ConsoleInput input) {
    if (text.empty()) {
        return input == ConsoleInput::Terminal ? emu::PaceMode::Real : emu::PaceMode::Free;
    }
    if (text == "free" || text == "real") {
        return text == "free" ? emu::PaceMode::Free : emu::PaceMode::Real;
    }
    return fail(fmt::format("not a pace: \"{}\"", text), "--pace",
                "free skips idle time, real keeps to the wall clock");
}

// What a replay repeats, as far as the recorded run went.
Result<void> read_replay(const RunWords& words, RunOptions& options) {
    if (!words.record.empty()) {
        return fail("a replay is recorded already", "--record", "leave one of the two out");
    }
    return emu::read_input_log(words.replay).map([&](emu::InputLog log) {
        options.session.replay = std::move(log);
        options.session.replay_name = words.replay;
    });
}

// Kernel, initrd, command line, and what is laid over the initrd.
Result<Job> choose_image(const RunWords& words, kernel::SessionConfig& session) {
    kernel::GuestFiles files{words.added, words.shell, words.program, false};
    Job job = Job::KernelOwn;
    return choose_kernel(words)
        .and_then([&](const std::filesystem::path& kernel) {
            session.image.kernel = kernel;
            return check_readable(kernel, "a kernel image (ELF64 or bzImage)");
        })
        .and_then([&] { return choose_job(words); })
        .and_then([&](Job chosen) -> Result<void> {
            job = chosen;
            const bool with_init = job != Job::KernelOwn;
            session.image.command_line = with_init ? kernel::shell_command_line(words.append)
                                                   : words.append;
            session.image.initrd = words.initrd;
            if (!words.initrd.empty()) {
                files.bring_init = with_init;
                return check_readable(words.initrd, "an initramfs (cpio, also compressed)");
            }
            if (with_init) {
                session.image.initrd = kernel::default_initramfs();
            }
            return job == Job::Program ? kernel::check_guest_program(words.program.front())
                                       : Result<void>();
        })
        .and_then([&] { return kernel::pack_guest_files(files, session.machine.ram_bytes); })
        .map([&](std::vector<std::byte> overlay) {
            session.image.initrd_overlay = std::move(overlay);
            return job;
        });
}

}  // namespace

const std::vector<std::string_view>& model_names() {
    static const std::vector<std::string_view> kNames{"functional"};
    return kNames;
}

std::string near_files(const std::filesystem::path& file) {
    std::vector<std::string> names;
    std::error_code error;
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    const std::vector<std::string_view> views(names.begin(), names.end());
    std::string near = did_you_mean(nearest_names(file.filename().string(), views));
    if (!near.empty()) {
        return near;
    }
    return error ? fmt::format("there is no folder {}", folder.string()) : "check the path";
}

namespace {

constexpr std::string_view kUsualGdbAddress = "tcp::1234";

Result<std::optional<emu::gdb::Server::Options>> gdb_options(const RunWords& words) {
    const bool wanted = words.gdb_here || !words.gdb.empty();
    if (!wanted && words.wait_for_gdb) {
        return fail("nobody could let the guest go on", "-S",
                    "-s -S, or --gdb unix:PATH -S: a gdb server to wait for");
    }
    if (!wanted) {
        return std::nullopt;
    }
    if (words.gdb_here && !words.gdb.empty()) {
        return fail("a gdb server is named twice: -s and " + words.gdb, "--gdb",
                    "-s is --gdb tcp::1234: leave one out");
    }
    return emu::gdb::parse_address(words.gdb.empty() ? kUsualGdbAddress : words.gdb)
        .map([&](const emu::gdb::Address& address) {
            return std::optional(emu::gdb::Server::Options{address, words.wait_for_gdb});
        })
        .map_error([](Error error) {
            error.where = "--gdb " + error.where;
            return error;
        });
}

}  // namespace

Result<RunOptions> read_run_options(const RunWords& words) {
    RunOptions options;
    options.json = words.json;
    options.until = words.until;
    options.report = words.report;
    options.output = words.output;
    options.record = words.record;
    options.session.machine.model = words.model;
    options.session.probes = words.probes;
    std::ranges::transform(words.objects, std::back_inserter(options.session.objects),
                           kernel::shipped_or);

    // Each check in turn; the first one that fails is what the user hears of.
    Result<void> good = check_model(words.model);
    const auto then = [&](auto&& check) { good = good ? check() : good; };
    const auto into = [](auto& target) {
        return [&target](auto value) { target = std::move(value); };
    };
    then([&] {
        return parse_size(words.memory, "--mem").map(into(options.session.machine.ram_bytes));
    });
    then([&] { return gdb_options(words).map(into(options.gdb)); });
    then([&] { return read_cpus(words.cpus).map(into(options.session.machine.cpus)); });
    then([&]() -> Result<void> {
        return words.max_insns.empty() ? Result<void>()
                                       : parse_count(words.max_insns, "--max-insns")
                                             .map(into(options.limits.max_instructions));
    });
    then([&]() -> Result<void> {
        return words.max_cycles.empty() ? Result<void>()
                                        : parse_count(words.max_cycles, "--max-cycles")
                                              .map(into(options.limits.max_cycles.value));
    });
    then([&]() -> Result<void> {
        return words.timeout.empty() ? Result<void>()
                                     : parse_seconds(words.timeout, "--timeout")
                                           .map(into(options.limits.max_host_seconds));
    });
    then([&] {
        return choose_image(words, options.session).map([&](Job job) {
            options.read_to_end = job == Job::Shell && words.replay.empty();
        });
    });
    for (const std::filesystem::path& object : options.session.objects) {
        then([&] { return check_readable(object, "an eBPF object made by clang (.bpf.o)"); });
    }
    if (!options.report.empty() && options.report != "-") {
        then([&] { return check_writable(options.report, "--report"); });
    }
    if (!options.output.empty()) {
        then([&] { return check_writable(options.output, "-o"); });
    }
    if (options.json && !options.output.empty()) {
        then([]() -> Result<void> {
            return fail("-j writes everything to stdout, so there is nothing left for a file", "-o",
                        "redirect stdout: -j > FILE");
        });
    }
    if (!words.record.empty()) {
        then([&] { return check_writable(options.record, "--record"); });
    }
    if (!words.replay.empty()) {
        then([&] { return check_readable(words.replay, "a log that --record wrote"); });
        then([&] { return read_replay(words, options); });
    } else {
        options.input = what_stdin_is(!words.json && terminal_of(STDOUT_FILENO).is_terminal);
    }
    then([&] { return read_pace(words.pace, options.input).map(into(options.limits.pace)); });
    if (!good) {
        return tl::unexpected(good.error());
    }
    return options;
}

}  // namespace trapgate::cli
