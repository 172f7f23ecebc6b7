// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// What came into a machine from outside, and when. The same image with the same log gives the same
/// run, bit for bit.
///
/// A log file is text, a line for each entry:
///
///     trapgate input log 1
///     image 8c1f0ad2b39e6471 "minikernel.elf"
///     append "console=ttyS0"
///     machine ram=268435456 cpus=1 model=functional
///     12345678 1500000000 console "ls\n"
///     23456789 2500000000 end 130 "interrupted"
///
/// The numbers of an entry are the instructions retired before it (of all CPUs) and the cycle.
/// Strings are in quotes; bytes outside printable ASCII, quotes and backslashes are escaped as in C
/// (\n, \r, \t, \", \\, \xHH with exactly two digits). "end" says where the recorded run stopped,
/// the program's exit status and why, in words; it is missing when the recording program was
/// killed.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace trapgate::emu {

/// Which machine a log, or a saved state, belongs to.
struct MachineIdentity {
    std::uint64_t image = 0;   ///< Hash of the memory and registers that the loader left.
    std::string image_name;    ///< For people.
    std::string command_line;  ///< The guest's; for people: the hash covers it.
    std::uint64_t ram_bytes = 0;
    unsigned cpus = 1;
    std::string model;
    bool operator==(const MachineIdentity&) const = default;

    /// Whether what was recorded on `other` fits this machine; the error says what differs. `what`
    /// names the file.
    [[nodiscard]] Result<void> accepts(const MachineIdentity& other, const std::string& what) const;
};

enum class InputKind : std::uint8_t {
    Console,  ///< Bytes typed at the console.
};

/// A point in a run.
struct InputPlace {
    std::uint64_t instructions = 0;  ///< Retired before it, of all CPUs.
    Cycles cycle;
    bool operator==(const InputPlace&) const = default;
};

/// InputPlace::instructions where it is not known: an entry that has not acted yet.
inline constexpr std::uint64_t kAnyInstruction = UINT64_MAX;

struct InputEntry {
    InputPlace place;
    InputKind kind = InputKind::Console;
    std::string bytes;
    bool operator==(const InputEntry&) const = default;

    template <class Archive>
    void fields(Archive& archive) {
        archive.list(place.instructions, place.cycle, kind, bytes);
        if constexpr (Archive::kReads) {
            archive.check(kind == InputKind::Console, "an input of an unknown kind");
        }
    }
};

/// Where and how a recorded run stopped.
struct RecordedEnd {
    InputPlace place;
    int status = 0;   ///< Exit status of the program that recorded.
    std::string why;  ///< For people: "interrupted".
    bool operator==(const RecordedEnd&) const = default;
};

struct InputLog {
    MachineIdentity identity;
    std::vector<InputEntry> entries;  ///< In the order of their cycles.
    std::optional<RecordedEnd> end;   ///< Now, for a log that goes on.
    bool operator==(const InputLog&) const = default;
};

/// Errors name the file and the line.
[[nodiscard]] Result<InputLog> read_input_log(const std::filesystem::path& path);
/// The same for a text that is not in a file; `name` is for errors.
[[nodiscard]] Result<InputLog> parse_input_log(std::string_view text, const std::string& name);
[[nodiscard]] std::string format_input_log(const InputLog& log);

/// Writes a log while it comes into being, so that a killed program leaves all but the end.
class InputLogWriter {
public:
    static Result<InputLogWriter> open(const std::filesystem::path& path,
                                       const MachineIdentity& identity);
    void append(const InputEntry& entry);
    /// Closes the file. Errors: what could not be written, now or before.
    [[nodiscard]] Result<void> finish(const RecordedEnd& end);

private:
    InputLogWriter(std::filesystem::path path, std::ofstream file)
        : path_(std::move(path)), file_(std::move(file)) {}
    std::filesystem::path path_;
    std::ofstream file_;
};

}  // namespace trapgate::emu
