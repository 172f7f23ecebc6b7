// SPDX-License-Identifier: GPL-2.0-only
#include "labs/program_check.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"
#include "base/files.hpp"
#include "base/process.hpp"

namespace trapgate::labs {
namespace {

constexpr double kCompileSeconds = 60;
constexpr std::size_t kShownErrorLines = 12;

// Lines that are neither empty nor comments.
std::vector<std::string> lines_of(const std::vector<std::byte>& bytes) {
    std::istringstream text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
        const std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin != std::string::npos && line[begin] != '#') {
            lines.push_back(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1));
        }
    }
    return lines;
}

std::string first_lines(const std::string& text, std::size_t count) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < count && end != std::string::npos; ++i) {
        end = text.find('\n', end + (i == 0 ? 0 : 1));
    }
    return text.substr(0, end);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "trapgate-XXXXXX").string();
    TG_CHECK(::mkdtemp(name.data()) != nullptr, "there must be room for temporary files");
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Result<CompiledProgram> compile_program(const std::filesystem::path& source,
                                        const std::filesystem::path& includes) {
    const std::optional<std::string> compiler = find_program({"clang-14", "clang"});
    if (!compiler) {
        return fail("no clang, which compiles eBPF programs", "clang", "apt-get install clang-14",
                    ENOENT);
    }
    CompiledProgram program;
    program.folder = std::make_unique<TemporaryFolder>();
    program.object = program.folder->path() / "program.bpf.o";
    ProcessOptions options;
    options.max_seconds = kCompileSeconds;
    options.folder = source.parent_path();  // So that messages name the file alone.
    const std::vector<std::string> command{*compiler, "-target",
                                           "bpf",     "-mcpu=v3",
                                           "-O2",     "-g",
                                           "-Wall",   "-D__TARGET_ARCH_x86",
                                           "-I",      std::filesystem::absolute(includes).string(),
                                           "-c",      source.filename().string(),
                                           "-o",      program.object.string()};
    return run_process(command, options).map([&](const ProcessResult& result) {
        if (result.timed_out) {
            program.errors = "the compiler did not come to an end";
        } else if (result.status != 0) {
            program.errors = first_lines(result.err, kShownErrorLines);
        }
        return std::move(program);
    });
}

Result<std::uint64_t> probe_hits(const Bench& bench, const std::filesystem::path& file,
                                 const std::string& event, const std::string& append) {
    const std::string name = file.filename().string();
    const Result<std::vector<std::byte>> bytes = read_file(file);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    const std::vector<std::string> lines = lines_of(*bytes);
    if (lines.size() != 1) {
        return fail(fmt::format("{} holds {} definitions; it must be one line", name, lines.size()),
                    {}, "p:GROUP/EVENT SYMBOL");
    }
    Result<std::unique_ptr<kernel::Session>> session = bench.boot(append, lines);
    if (!session) {
        return tl::unexpected(session.error());
    }
    const kernel::ProbeView probe = (*session)->snapshot()->probes.at(0);
    if (probe.event != event) {
        return fail(fmt::format("the probe is called {}, it should be {}", probe.event, event),
                    name, fmt::format("p:{} SYMBOL", event));
    }
    return bench.finish(**session).map([&] { return (*session)->snapshot()->probes.at(0).hits; });
}

Result<std::uint64_t> first_element(const Bench& bench, const std::filesystem::path& object,
                                    const std::string& map, const std::string& append) {
    Result<std::unique_ptr<kernel::Session>> session = bench.boot(append, {}, {object});
    if (!session) {
        Error error = session.error();
        // The same words wherever the temporary file was.
        if (error.where.starts_with(object.string())) {
            error.where.replace(0, object.string().size(), "your program");
        }
        return tl::unexpected(error);
    }
    return bench.finish(**session).and_then([&]() -> Result<std::uint64_t> {
        const kernel::SnapshotPtr last = (*session)->snapshot();
        std::vector<std::string> names;
        for (const kernel::MapView& view : last->maps) {
            names.push_back(view.name);
            if (view.name != map || view.elements.empty()) {
                continue;
            }
            const std::vector<std::byte>& value = view.elements.front().value;
            std::uint64_t number = 0;
            std::memcpy(&number, value.data(), std::min(value.size(), sizeof(number)));
            return number;
        }
        return fail(fmt::format("your program has no map {} with an element 0", map), {},
                    names.empty() ? "" : fmt::format("its maps: {}", fmt::join(names, ", ")));
    });
}

}  // namespace trapgate::labs
