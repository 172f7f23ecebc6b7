// SPDX-License-Identifier: GPL-2.0-only
// Where the things that happen in a run go: text on stdout and stderr, or one JSON object a line.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "cli/run_result.hpp"
#include "cli/stream.hpp"
#include "kernel/events/event_text.hpp"
#include "kernel/session/session.hpp"

namespace trapgate::cli {

class RunOutput {
public:
    virtual ~RunOutput() = default;
    /// Each comes as it happens, with the machine's time.
    virtual void console(Cycles now, std::string_view bytes) = 0;
    virtual void probe(Cycles now, const kernel::EventView& hit) = 0;
    virtual void trace(Cycles now, const std::string& line) = 0;
    virtual void record(Cycles now, const std::string& ring, const kernel::RingRecord& record) = 0;
    /// The machine has paused for a moment: nothing may be held back any longer.
    virtual void pause() = 0;
    /// Something to say to the person at the terminal.
    virtual void note(std::string_view text) = 0;
    virtual void ended(const RunResult& result) = 0;
};

/// stdout has the guest's console and nothing else. Events go to `events`: stderr, or a file. The
/// ending goes to stderr always. When stdout and `events` are one terminal, an event waits for the
/// end of the console's line.
[[nodiscard]] std::unique_ptr<RunOutput> make_text_output(OutputStream& console,
                                                          OutputStream& events);

/// One JSON object a line: {"cycle":N,"event":"console","text":...}, "probe" (the line, and what it
/// is made of), "trace", "record", and "end" with the report. A console event is one line of the
/// console, or what there is of it when something else happens. Records carry the time of their
/// delivery.
[[nodiscard]] std::unique_ptr<RunOutput> make_json_output(OutputStream& out);

}  // namespace trapgate::cli
