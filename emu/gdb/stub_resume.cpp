// SPDX-License-Identifier: GPL-2.0-only
// Letting the guest go.
#include <algorithm>

#include "emu/gdb/stub.hpp"

namespace trapgate::emu::gdb {

void Stub::run(const Resume& resume) {
    answer_.next = Answer::Next::Run;
    answer_.resume = resume;
}

// Signals mean nothing to a machine: S05 is s.
void Stub::run_on(Arguments& arguments) {
    if (!arguments.rest().empty()) {
        const std::uint64_t address = arguments.number();
        if (!understood(arguments)) {
            return;
        }
        cpu().set_rip({address});
        changed();
    }
    run({Resume::Kind::Continue, selected_, 0, 0});
}

void Stub::step(Arguments& arguments) {
    run_on(arguments);
    answer_.resume.kind = Resume::Kind::Step;
}

void Stub::run_on_signal(Arguments& arguments) {
    static_cast<void>(arguments.number());
    Arguments address(arguments.accept(';') ? arguments.rest() : std::string_view{});
    if (!arguments.good()) {
        mistake();
        return;
    }
    run_on(address);
}

void Stub::step_signal(Arguments& arguments) {
    run_on_signal(arguments);
    answer_.resume.kind = Resume::Kind::Step;
}

void Stub::resume_question(Arguments&) { reply("vCont;c;C;s;S;t;r"); }

namespace {

/// One action of vCont, without its thread. Nothing when it makes no sense.
std::optional<Resume> read_action(std::string_view text) {
    Arguments words(text);
    Resume resume;
    if (words.accept('s')) {
        resume.kind = Resume::Kind::Step;
    } else if (words.accept('S')) {
        resume.kind = Resume::Kind::Step;
        static_cast<void>(words.number());  // Signals mean nothing to a machine.
    } else if (words.accept('r')) {
        resume.kind = Resume::Kind::Step;
        resume.range_begin = words.number();
        words.expect(',');
        resume.range_end = words.number();
    } else if (words.accept('C')) {
        static_cast<void>(words.number());
    } else if (!words.accept('t')) {  // Only a gdb in non-stop mode means something by it.
        words.expect('c');
    }
    return words.at_end() ? std::optional(resume) : std::nullopt;
}

}  // namespace

// "vCont;ACTION[:THREAD]...": a CPU does what the first action that fits it says. All CPUs share
// one clock, so letting one run lets all run; a step is of one CPU.
void Stub::resume_list(Arguments& arguments) {
    std::vector<std::optional<Resume>> wanted(machine_.cpu_count());
    arguments.expect(';');
    do {
        const std::string_view item = arguments.until(';');
        const std::string_view action = item.substr(0, item.find(':'));
        const bool named = action.size() < item.size();
        const std::string_view thread = named ? item.substr(action.size() + 1) : "-1";
        const std::optional<Resume> resume = read_action(action);
        const std::optional<unsigned> cpu = cpu_of(thread);
        if (!resume || !cpu) {
            mistake();
            return;
        }
        for (unsigned index = 0; index < wanted.size(); ++index) {
            if (!wanted[index] && (thread == "-1" || index == *cpu)) {
                wanted[index] = resume;
                wanted[index]->cpu = index;
            }
        }
    } while (!arguments.rest().empty());
    const auto steps = [](const std::optional<Resume>& resume) {
        return resume && resume->kind == Resume::Kind::Step;
    };
    const auto stepping = std::ranges::find_if(wanted, steps);
    run(stepping == wanted.end() ? Resume{Resume::Kind::Continue, selected_, 0, 0} : **stepping);
}

void Stub::run_back(Arguments& arguments) {
    if (!services_.reverse) {
        reply("");
    } else if (understood(arguments)) {
        run({Resume::Kind::ReverseContinue, selected_, 0, 0});
    }
}

void Stub::step_back(Arguments& arguments) {
    if (!services_.reverse) {
        reply("");
    } else if (understood(arguments)) {
        run({Resume::Kind::ReverseStep, selected_, 0, 0});
    }
}

void Stub::detach(Arguments&) {
    okay();
    answer_.next = Answer::Next::Detach;
}

void Stub::kill(Arguments& arguments) {
    if (understood(arguments)) {
        answer_.next = Answer::Next::Kill;
    }
}

void Stub::kill_politely(Arguments&) {
    okay();
    answer_.next = Answer::Next::Kill;
}

}  // namespace trapgate::emu::gdb
