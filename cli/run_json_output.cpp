// SPDX-License-Identifier: GPL-2.0-only
#include <optional>
#include <type_traits>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/run_output.hpp"

namespace trapgate::cli {
namespace {

using nlohmann::ordered_json;

// A guest that never ends a line must not fill the host's memory.
constexpr std::size_t kLongestLine = 65536;

std::string hex(const std::vector<std::byte>& bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    }
    return text;
}

// A number or a string; null for what could not be read.
ordered_json value_json(const kernel::EventArg& arg) {
    ordered_json values = ordered_json::array();
    for (const kernel::EventValue& value : arg.values) {
        std::visit(
            [&](const auto& plain) {
                if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, std::monostate>) {
                    values.push_back(nullptr);
                } else {
                    values.push_back(plain);
                }
            },
            value);
    }
    return arg.is_array ? values : values.at(0);
}

class JsonOutput final : public RunOutput {
public:
    explicit JsonOutput(OutputStream& out) : out_(out) {}

    void console(Cycles now, std::string_view bytes) override {
        for (const char byte : bytes) {
            line_start_ = line_start_.value_or(now);
            line_ += byte;
            if (byte == '\n' || line_.size() >= kLongestLine) {
                write_line();
            }
        }
    }
    void probe(Cycles now, const kernel::EventView& hit) override {
        ordered_json args = ordered_json::object();
        for (const kernel::EventArg& arg : hit.args) {
            args[arg.name] = value_json(arg);
        }
        write(now, "probe",
              {{"text", hit.line()},
               {"group", hit.group},
               {"name", hit.event},
               {"task", hit.context.task},
               {"pid", hit.context.pid},
               {"cpu", hit.context.cpu},
               {"where", hit.where},
               {"args", args}});
    }
    void trace(Cycles now, const std::string& line) override {
        write(now, "trace", {{"text", line}});
    }
    void record(Cycles now, const std::string& ring, const kernel::RingRecord& record) override {
        write(now, "record",
              {{"ring", ring},
               {"number", record.number},
               {"text", record.text},
               {"bytes", hex(record.bytes)}});
    }
    void note(std::string_view) override {}
    // A line of the console stays one object however the host divided the run.
    void pause() override { out_.flush(); }
    void ended(const RunResult& result) override {
        ordered_json fields{{"status", exit_status(result)}};
        if (!result.reached.empty()) {
            fields["reached"] = result.reached;
        }
        if (result.signal != 0) {
            fields["signal"] = result.signal;
        }
        fields["report"] = ordered_json::parse(
            kernel::session_report(result.last, result.host_seconds));
        write(result.last.counters.cycles, "end", fields);
    }

private:
    void write_line() {
        const Cycles start = line_start_.value_or(Cycles{});
        const std::string line = std::exchange(line_, {});
        line_start_.reset();
        write(start, "console", {{"text", line}});
    }
    void write(Cycles now, const char* event, const ordered_json& fields) {
        if (!line_.empty()) {
            write_line();
        }
        ordered_json object{{"cycle", now.value}, {"event", event}};
        object.update(fields);
        // Guest text may be anything; each line is always valid UTF-8.
        out_.write(object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
    }

    OutputStream& out_;
    std::string line_;
    std::optional<Cycles> line_start_;
};

}  // namespace

std::unique_ptr<RunOutput> make_json_output(OutputStream& out) {
    return std::make_unique<JsonOutput>(out);
}

}  // namespace trapgate::cli
