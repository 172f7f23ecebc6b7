// SPDX-License-Identifier: GPL-2.0-only
#include "emu/input/input_log.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/files.hpp"

namespace trapgate::emu {
namespace {

constexpr std::string_view kFirstLine = "trapgate input log 1";
constexpr std::string_view kConsole = "console";
constexpr std::string_view kEnd = "end";

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        switch (character) {
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            default:
                if (byte >= 0x20 && byte < 0x7f) {
                    out += character;
                } else {
                    out += fmt::format("\\x{:02x}", byte);
                }
        }
    }
    return out + '"';
}

std::string header(const MachineIdentity& identity) {
    return fmt::format("{}\nimage {:016x} {}\nappend {}\nmachine ram={} cpus={} model={}\n",
                       kFirstLine, identity.image, in_quotes(identity.image_name),
                       in_quotes(identity.command_line), identity.ram_bytes, identity.cpus,
                       identity.model);
}

std::string line_of(const InputEntry& entry) {
    return fmt::format("{} {} {} {}\n", entry.place.instructions, entry.place.cycle.value, kConsole,
                       in_quotes(entry.bytes));
}

std::string end_line(const RecordedEnd& end) {
    return fmt::format("{} {} {} {} {}\n", end.place.instructions, end.place.cycle.value, kEnd,
                       end.status, in_quotes(end.why));
}

/// Takes a line apart from the left; after the first mistake nothing fits any more.
class LineParser {
public:
    explicit LineParser(std::string_view line) : left_(line) {}

    void expect(std::string_view text) {
        if (left_.starts_with(text)) {
            left_.remove_prefix(text.size());
        } else {
            good_ = false;
        }
    }
    std::uint64_t number(int base = 10) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value,
                                                  base);
        good_ = good_ && error == std::errc();
        left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
        return value;
    }
    std::string word() {
        const std::size_t length = std::min(left_.find(' '), left_.size());
        std::string out(left_.substr(0, length));
        left_.remove_prefix(length);
        good_ = good_ && length > 0;
        return out;
    }
    std::string string() {
        std::string out;
        expect("\"");
        while (good_ && !left_.empty() && left_.front() != '"') {
            out += left_.front() == '\\' ? escaped() : left_.front();
            if (!good_) {
                break;
            }
            left_.remove_prefix(1);
        }
        expect("\"");
        return out;
    }
    [[nodiscard]] bool finished() const { return good_ && left_.empty(); }

private:
    /// Leaves the last character of the escape for the caller to remove.
    char escaped() {
        left_.remove_prefix(1);
        switch (left_.empty() ? '\0' : left_.front()) {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case '"': return '"';
            case '\\': return '\\';
            case 'x': {
                unsigned value = 0;
                const std::string_view digits = left_.substr(1, 2);
                const auto [end, error] = std::from_chars(digits.data(),
                                                          digits.data() + digits.size(), value, 16);
                good_ = error == std::errc() && end == digits.data() + 2;
                left_.remove_prefix(good_ ? 2 : 0);
                return static_cast<char>(value);
            }
            default: good_ = false; return '\0';
        }
    }

    std::string_view left_;
    bool good_ = true;
};

class LogParser {
public:
    LogParser(std::string_view text, const std::string& name) : left_(text), name_(name) {}

    Result<InputLog> parse() {
        if (next_line() != kFirstLine) {
            return fail("not an input log", name_, "--replay takes what --record wrote");
        }
        InputLog log;
        const Result<void> known = parse_identity(log.identity);
        if (!known) {
            return tl::unexpected(known.error());
        }
        while (!left_.empty()) {
            if (log.end) {
                return wrong_line("something behind the end");
            }
            const Result<void> entry = parse_entry(next_line(), log);
            if (!entry) {
                return tl::unexpected(entry.error());
            }
            if (!whole_) {
                return wrong_line("the file ends in the middle of a line");
            }
        }
        return log;
    }

private:
    std::string_view next_line() {
        const std::size_t length = std::min(left_.find('\n'), left_.size());
        const std::string_view line = left_.substr(0, length);
        whole_ = length < left_.size();
        left_.remove_prefix(std::min(length + 1, left_.size()));
        ++line_number_;
        return line;
    }

    [[nodiscard]] tl::unexpected<Error> wrong_line(std::string what) const {
        return fail(std::move(what), fmt::format("{}:{}", name_, line_number_),
                    "was the file edited or cut short?");
    }

    Result<void> parse_identity(MachineIdentity& identity) {
        LineParser image(next_line());
        image.expect("image ");
        identity.image = image.number(16);
        image.expect(" ");
        identity.image_name = image.string();
        if (!image.finished()) {
            return wrong_line("not \"image HASH NAME\"");
        }
        LineParser append(next_line());
        append.expect("append ");
        identity.command_line = append.string();
        if (!append.finished()) {
            return wrong_line("not \"append COMMAND-LINE\"");
        }
        LineParser machine(next_line());
        machine.expect("machine ram=");
        identity.ram_bytes = machine.number();
        machine.expect(" cpus=");
        identity.cpus = static_cast<unsigned>(machine.number());
        machine.expect(" model=");
        identity.model = machine.word();
        if (!machine.finished() || !whole_) {
            return wrong_line("not \"machine ram=BYTES cpus=N model=NAME\"");
        }
        return {};
    }

    Result<void> parse_entry(std::string_view text, InputLog& log) const {
        LineParser line(text);
        InputEntry entry;
        entry.place.instructions = line.number();
        line.expect(" ");
        entry.place.cycle = Cycles{line.number()};
        line.expect(" ");
        const std::string kind = line.word();
        line.expect(" ");
        if (kind == kEnd) {
            constexpr std::uint64_t kMostStatus = 255;
            const std::uint64_t status = line.number();
            line.expect(" ");
            const std::string why = line.string();
            if (!line.finished() || status > kMostStatus) {
                return wrong_line("not \"INSTRUCTIONS CYCLE end STATUS WHY\"");
            }
            log.end = RecordedEnd{entry.place, static_cast<int>(status), why};
            return {};
        }
        entry.bytes = line.string();
        if (kind != kConsole || !line.finished()) {
            return wrong_line("not \"INSTRUCTIONS CYCLE console STRING\"");
        }
        if (!log.entries.empty() &&
            (entry.place.cycle < log.entries.back().place.cycle ||
             entry.place.instructions < log.entries.back().place.instructions)) {
            return wrong_line("an entry that is earlier than the one before");
        }
        log.entries.push_back(std::move(entry));
        return {};
    }

    std::string_view left_;
    std::string name_;
    unsigned line_number_ = 0;
    bool whole_ = true;  ///< The last line ended with a newline.
};

}  // namespace

Result<void> MachineIdentity::accepts(const MachineIdentity& other, const std::string& what) const {
    if (other.ram_bytes != ram_bytes) {
        return fail(fmt::format("it is of a machine with {} MiB of RAM, this one has {}",
                                other.ram_bytes >> 20, ram_bytes >> 20),
                    what, fmt::format("--mem {}M", other.ram_bytes >> 20));
    }
    if (other.cpus != cpus) {
        return fail(
            fmt::format("it is of a machine with {} CPUs, this one has {}", other.cpus, cpus), what,
            fmt::format("--cpus {}", other.cpus));
    }
    if (other.model != model) {
        return fail(
            fmt::format("it is of the timing model {}, this machine has {}", other.model, model),
            what, fmt::format("--model {}", other.model));
    }
    if (other.image != image) {
        const std::string hint = other.command_line != command_line
                                     ? fmt::format("the command line was \"{}\"",
                                                   other.command_line)
                                     : "the same kernel, initrd and command line are needed";
        return fail(fmt::format("it is of another image: {} ({:016x}), this is {} ({:016x})",
                                other.image_name, other.image, image_name, image),
                    what, hint);
    }
    return {};
}

Result<InputLog> parse_input_log(std::string_view text, const std::string& name) {
    return LogParser(text, name).parse();
}

Result<InputLog> read_input_log(const std::filesystem::path& path) {
    return read_file(path).and_then([&](const std::vector<std::byte>& bytes) {
        return parse_input_log({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                               path.string());
    });
}

std::string format_input_log(const InputLog& log) {
    std::string text = header(log.identity);
    for (const InputEntry& entry : log.entries) {
        text += line_of(entry);
    }
    return log.end ? text + end_line(*log.end) : text;
}

Result<InputLogWriter> InputLogWriter::open(const std::filesystem::path& path,
                                            const MachineIdentity& identity) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    if (!file) {
        return fail("cannot be written", path.string(), "is the folder there, and yours?", EACCES);
    }
    file << header(identity) << std::flush;
    return InputLogWriter(path, std::move(file));
}

void InputLogWriter::append(const InputEntry& entry) { file_ << line_of(entry) << std::flush; }

Result<void> InputLogWriter::finish(const RecordedEnd& end) {
    file_ << end_line(end);
    file_.close();
    if (!file_) {
        return fail("could not be written whole", path_.string(), "is the disk full?", EIO);
    }
    return {};
}

}  // namespace trapgate::emu
