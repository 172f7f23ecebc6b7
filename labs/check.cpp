// SPDX-License-Identifier: GPL-2.0-only
#include "labs/check.hpp"

#include <numeric>

#include <fmt/format.h>

#include "base/files.hpp"
#include "labs/answers.hpp"
#include "labs/program_check.hpp"

namespace trapgate::labs {
namespace {

std::string with_hint(const Error& error) {
    std::string text = error.where.empty() ? error.what : error.where + ": " + error.what;
    return error.hint.empty() ? text : text + "\n" + error.hint;
}

// The first known mistake that gives this very value, or the hint.
Result<std::string> explain(const Check& check, const Value& given, Measurements& measurements) {
    for (const Mistake& mistake : check.mistakes) {
        const Result<Value> value = measurements.measure(mistake.is);
        if (!value) {
            return tl::unexpected(value.error());
        }
        if (*value == given) {
            return mistake.because;
        }
    }
    return check.hint;
}

// Full points and nothing to say, or none and the reason.
Result<CheckResult> verdict(const Check& check, bool good, std::string reason) {
    return CheckResult{check.name, good ? check.points : 0, check.points,
                       good ? "" : std::move(reason)};
}

class Grader {
public:
    Grader(const Lab& lab, const std::filesystem::path& folder, const CheckTools& tools)
        : bench_{tools.image, lab.max_instructions, lab.max_seconds},
          measurements_(bench_),
          folder_(folder),
          tools_(tools) {}

    Result<CheckResult> grade(const Check& check) {
        switch (check.kind) {
            case Check::Kind::Answer: return grade_answer(check);
            case Check::Kind::Probe: return grade_probe(check);
            case Check::Kind::Map: return grade_map(check);
        }
        return verdict(check, false, "");
    }

private:
    Result<CheckResult> grade_answer(const Check& check) {
        const Result<Value> expected = measurements_.measure(check.expect);
        if (!expected) {
            return tl::unexpected(expected.error());
        }
        const Result<Answers> answers = read_answers();
        if (!answers) {
            return verdict(check, false, with_hint(answers.error()));
        }
        const auto found = answers->find(check.subject);
        if (found == answers->end() || found->second.empty()) {
            return verdict(check, false,
                           fmt::format("no answer yet: answers.txt has no value for {}\n{}",
                                       check.subject, check.hint));
        }
        const Result<Value> given = parse_answer(found->second, *expected);
        if (!given) {
            return verdict(check, false, with_hint(given.error()));
        }
        return explain(check, *given, measurements_).and_then([&](const std::string& reason) {
            return verdict(check, *given == *expected,
                           fmt::format("{} is not it\n{}", value_text(*given), reason));
        });
    }

    Result<CheckResult> grade_probe(const Check& check) {
        return grade_runs(check, [&](const std::string& append) {
            return probe_hits(bench_, folder_ / check.subject, check.event, append);
        });
    }

    Result<CheckResult> grade_map(const Check& check) {
        const Result<CompiledProgram> program = compile_program(folder_ / check.subject,
                                                                tools_.includes);
        if (!program) {
            return tl::unexpected(program.error());
        }
        if (!program->errors.empty()) {
            return verdict(check, false,
                           fmt::format("{} does not compile:\n{}", check.subject, program->errors));
        }
        return grade_runs(check, [&](const std::string& append) {
            return first_element(bench_, program->object, check.map, append);
        });
    }

    // What the student's probe or program counts must be right in every one of the runs.
    template <class Count>
    Result<CheckResult> grade_runs(const Check& check, const Count& count) {
        for (const std::string& append : check.appends) {
            const Result<Value> expected = measurements_.measure(check.expect, append);
            if (!expected) {
                return tl::unexpected(expected.error());
            }
            const Result<std::uint64_t> given = count(append);
            if (!given) {
                return verdict(check, false, with_hint(given.error()));
            }
            if (Value(*given) == *expected) {
                continue;
            }
            const Result<std::string> reason = explain_run(check, *given, append);
            if (!reason) {
                return tl::unexpected(reason.error());
            }
            return verdict(check, false,
                           fmt::format("it counted {}, {} was to be counted (command line \"{}\")"
                                       "\n{}",
                                       *given, value_text(*expected), append, *reason));
        }
        return verdict(check, true, "");
    }

    Result<std::string> explain_run(const Check& check, std::uint64_t given,
                                    const std::string& append) {
        Check here = check;
        for (Mistake& mistake : here.mistakes) {
            mistake.is.append = append;
        }
        return explain(here, Value(given), measurements_);
    }

    Result<Answers> read_answers() {
        return read_file(folder_ / "answers.txt").and_then([](const std::vector<std::byte>& bytes) {
            return parse_answers({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        });
    }

    Bench bench_;
    Measurements measurements_;
    const std::filesystem::path& folder_;
    const CheckTools& tools_;
};

}  // namespace

double LabResult::score() const {
    return std::accumulate(checks.begin(), checks.end(), 0.0,
                           [](double sum, const CheckResult& one) { return sum + one.score; });
}

double LabResult::max_score() const {
    return std::accumulate(checks.begin(), checks.end(), 0.0,
                           [](double sum, const CheckResult& one) { return sum + one.max_score; });
}

Result<LabResult> check_lab(const Lab& lab, const std::filesystem::path& folder,
                            const CheckTools& tools) {
    Grader grader(lab, folder, tools);
    LabResult result;
    for (const Check& check : lab.checks) {
        Result<CheckResult> graded = grader.grade(check);
        if (!graded) {
            return tl::unexpected(graded.error());
        }
        result.checks.push_back(std::move(*graded));
    }
    return result;
}

}  // namespace trapgate::labs
