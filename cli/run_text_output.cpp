// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "cli/run_output.hpp"
#include "cli/value_text.hpp"

namespace trapgate::cli {
namespace {

class TextOutput final : public RunOutput {
public:
    TextOutput(OutputStream& console, OutputStream& events)
        : console_(console),
          events_(events),
          on_terminal_(terminal_of(console.fd()).is_terminal),
          interleaved_(same_terminal(console.fd(), events.fd())) {}

    void console(Cycles, std::string_view bytes) override {
        console_.write(bytes);
        if (!bytes.empty()) {
            at_line_start_ = bytes.back() == '\n';
        }
        if (on_terminal_) {
            console_.flush();  // A prompt, or what somebody types, ends no line.
        }
        if (at_line_start_) {
            write_waiting();
        }
    }
    void probe(Cycles, const kernel::EventView& hit) override { event(hit.line()); }
    void trace(Cycles, const std::string& line) override { event(line); }
    void record(Cycles, const std::string& ring, const kernel::RingRecord& record) override {
        event(fmt::format("{}[{}]: {}", ring, record.number, plain_value(record.text)));
    }
    void pause() override {
        console_.flush();
        if (!waiting_.empty()) {
            end_line();
        }
    }
    void note(std::string_view text) override {
        OutputStream& errors = standard_error();
        errors.write(
            fmt::format("{} {}\n", terminal_of(errors.fd()).paint(Style::Dim, "trapgate:"), text));
    }
    void ended(const RunResult& result) override {
        console_.flush();
        end_line();
        OutputStream& errors = standard_error();
        const Terminal terminal = terminal_of(errors.fd());
        errors.write(ending_text(result, terminal));
        if (events_.fd() != errors.fd()) {
            events_.write(ending_text(result, Terminal{}));
        }
        events_.write(summary_text(result));
    }

private:
    void event(const std::string& line) {
        waiting_ += line + "\n";
        if (!interleaved_ || at_line_start_) {
            write_waiting();
        }
    }
    void write_waiting() {
        if (!waiting_.empty()) {
            console_.flush();
            events_.write(waiting_);
            waiting_.clear();
        }
    }
    // Only a terminal is given a line end that the guest did not write.
    void end_line() {
        if (!at_line_start_ && on_terminal_) {
            console_.write("\n");
            at_line_start_ = true;
        }
        write_waiting();
    }

    OutputStream& console_;
    OutputStream& events_;
    bool on_terminal_;
    bool interleaved_;
    bool at_line_start_ = true;
    std::string waiting_;
};

}  // namespace

std::unique_ptr<RunOutput> make_text_output(OutputStream& console, OutputStream& events) {
    return std::make_unique<TextOutput>(console, events);
}

}  // namespace trapgate::cli
