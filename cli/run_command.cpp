// SPDX-License-Identifier: GPL-2.0-only
#include <cstring>
#include <memory>

#include <fcntl.h>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/unique_fd.hpp"
#include "cli/commands.hpp"
#include "cli/errors.hpp"
#include "cli/run_guest.hpp"
#include "cli/run_options.hpp"
#include "cli/run_output.hpp"

namespace trapgate::cli {
namespace {

Result<void> write_report(const std::filesystem::path& path, const RunResult& result) {
    const std::string report = kernel::session_report(result.last, result.host_seconds);
    if (path == "-") {
        standard_output().write(report);
        return {};
    }
    return write_file(path, report);
}

Result<int> run(const RunOptions& options) {
    UniqueFd file;
    if (!options.output.empty()) {
        file.reset(::open(options.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (!file) {
            return fail(
                fmt::format("cannot write {}: {}", options.output.string(), std::strerror(errno)),
                "-o", "its folder must exist and be writable", errno);
        }
    }
    OutputStream file_stream(file.get());
    const std::unique_ptr<RunOutput> output = options.json
                                                  ? make_json_output(standard_output())
                                                  : make_text_output(
                                                        standard_output(),
                                                        file ? file_stream : standard_error());
    return run_guest(options, *output).and_then([&](const RunResult& result) -> Result<int> {
        output->ended(result);
        if (!options.report.empty()) {
            const Result<void> written = write_report(options.report, result);
            if (!written) {
                return tl::unexpected(written.error());
            }
        }
        return exit_status(result);
    });
}

int run_words(const RunWords& words) {
    const Result<int> status = read_run_options(words).and_then(run);
    return status ? *status : report_error(status.error(), words.json);
}

}  // namespace

void add_run_command(CLI::App& app, Work& chosen, std::vector<std::string> program) {
    CLI::App* run = app.add_subcommand(
        "run",
        help_opening({{"trapgate run", "the small kernel that comes along, to a shell"},
                      {"trapgate run --sh 'ls -l /proc'", "... or for one command"},
                      {"trapgate run -- ./prog -x", "... or for a static program of yours"},
                      {"trapgate run --add data:/srv --sh 'ls /srv'", "... with files of yours"},
                      {"trapgate run vmlinuz --sh 'uname -a'", "on Debian's kernel"},
                      {"trapgate run -p do_sys_openat2", "print a line at each call"},
                      {"trapgate run -p 'p:open do_sys_openat2 $arg*'", "... with its arguments"},
                      {"trapgate run -b open_counter.bpf.o", "run an eBPF program, dump its maps"},
                      {"trapgate run --append 'tasks=1 loops=2'", "the kernel's command line"},
                      {"trapgate run --until ksys_write", "stop there, show registers"},
                      {"trapgate run -j > events.ndjson", "everything as JSON lines"},
                      {"trapgate run --kernel bzImage --initrd i.gz", "a system of your own"}},
                     "Boots a kernel without a display. stdout is the guest's console, stdin what "
                     "is\ntyped there; on a terminal Ctrl-A x leaves and Ctrl-A h helps. Events "
                     "and dumps\ngo to stderr. The exit status tells how it ended: 0 pass, 1 the "
                     "guest said it\nfailed, 2 bad input, 3 panic or triple fault, 4 a limit, 130 "
                     "Ctrl-C.\n\n"
                     "What runs in it: a command (--sh), a program (behind --), or a shell. Only "
                     "where\n-p, -b, --until or --append come without those, or with --workload, "
                     "the small\nkernel does its own workload, whose calls can be counted. A "
                     "kernel or initramfs\nthat you name gets no shell either unless --sh or -- "
                     "asks for one.\n\n"
                     "Probes are lines of Linux's kprobe_events, or just a symbol:\n"
                     "  p[:[GROUP/]EVENT] SYMBOL[+OFFSET]|ADDRESS [[NAME=]ARG[:TYPE]]... "
                     "[if FILTER]\n"
                     "  r[MAXACTIVE][:[GROUP/]EVENT] SYMBOL [[NAME=]ARG[:TYPE]]... [if FILTER]\n"
                     "p is where control arrives, r where a function returns. ARG is %REG, $argN, "
                     "$arg*,\n$retval, $stackN, $comm, @SYMBOL, +OFFSET(ARG), \\NUMBER or a name "
                     "from the kernel's\nBTF (file->f_flags); TYPE is u8 to u64, s8, x8, char, "
                     "string, ustring, symbol,\nsymstr, b<w>@<o>/<size>, and [N] for an array. "
                     "FILTER is dfd < 0 && path ~ \"/etc/*\".\n"
                     "Example: -p 'p:open do_sys_openat2 dfd=%di path=+0(%si):string'"));
    run->footer("boot a kernel without a display, probe it");
    run->group("Commands");
    auto words = std::make_shared<RunWords>();
    words->program = std::move(program);
    run->add_option("IMAGE", words->image,
                    "kernel to boot (the small one that comes along); vmlinuz: Debian's");
    const std::string job = "What runs in the guest";
    const auto add = [run](const char* name, auto& target, const char* type, const char* says) {
        return run->add_option(name, target, says)->type_name(type);
    };
    add("--sh", words->shell, "COMMAND", "a shell runs it; its status ends the run")->group(job);
    run->add_flag("--workload", words->workload, "the small kernel's own workload")->group(job);
    add("--add", words->added, "HOST[:GUEST]", "put a file or folder into the initramfs")
        ->allow_extra_args(false)
        ->group(job);
    const std::string probing = "Probing";
    add("-p,--probe", words->probes, "DEF", "kprobe: SYMBOL, or a line of kprobe_events (below)")
        ->allow_extra_args(false)
        ->group(probing);
    add("-b,--bpf", words->objects, "FILE", "eBPF object; attached where its sections say")
        ->allow_extra_args(false)
        ->group(probing);
    add("--until", words->until, "SYMBOL", "stop in front of this function")->group(probing);
    const std::string machine = "Machine";
    add("--kernel", words->kernel, "FILE", "the same as IMAGE: ELF64 or Linux bzImage")
        ->group(machine);
    add("--initrd", words->initrd, "FILE", "initramfs: cpio, also compressed")->group(machine);
    add("--append", words->append, "TEXT", "the kernel's command line")->group(machine);
    add("--mem", words->memory, "SIZE", "RAM (256M)")->group(machine);
    add("--cpus", words->cpus, "N", "CPUs, 1 to 4 (1)")->group(machine);
    add("--model", words->model, "NAME", "timing model (functional: a cycle an insn)")
        ->group(machine);
    const std::string debugging = "Debugging";
    run->add_flag("-s", words->gdb_here, "a gdb server: the same as --gdb tcp::1234")
        ->group(debugging);
    run->add_flag("-S", words->wait_for_gdb, "stop at reset until gdb says continue")
        ->group(debugging);
    add("--gdb", words->gdb, "ADDR", "a gdb server at tcp::PORT (0: a free one) or unix:PATH")
        ->group(debugging);
    const std::string input = "Time and input";
    add("--pace", words->pace, "PACE", "free: skip idle time; real: keep to the wall clock")
        ->group(input);
    add("--record", words->record, "FILE", "log what comes in")->group(input);
    add("--replay", words->replay, "FILE", "repeat a recorded run, bit for bit")->group(input);
    const std::string limits = "Limits";
    add("--max-insns", words->max_insns, "N", "stop after so many instructions")->group(limits);
    add("--max-cycles", words->max_cycles, "N", "stop after so many cycles")->group(limits);
    add("--timeout", words->timeout, "SECONDS", "stop after so long by the host's clock")
        ->group(limits);
    const std::string output = "Output";
    add("--report", words->report, "FILE", "write a JSON report (-: to stdout)")->group(output);
    add("-o,--output", words->output, "FILE", "events and dumps to a file")->group(output);
    run->add_flag("-j,--json", words->json, "all of it as JSON, an object a line, on stdout")
        ->group(output);
    run->callback([words, &chosen] { chosen = [words] { return run_words(*words); }; });
}

}  // namespace trapgate::cli
