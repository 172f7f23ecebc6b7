// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "labs/check.hpp"

namespace trapgate::labs {
namespace {

std::string indented(const std::string& text) {
    std::string out = "    ";
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text[i] == '\n' && i + 1 < text.size()) {
            out += "    ";
        }
    }
    return out.ends_with('\n') ? out : out + "\n";
}

}  // namespace

std::string result_text(const LabResult& result) {
    std::string text;
    for (const CheckResult& check : result.checks) {
        if (check.passed()) {
            text += fmt::format("{}: OK ({:g})\n", check.name, check.score);
        } else {
            text += fmt::format("{}: FAIL ({:g}/{:g})\n", check.name, check.score, check.max_score);
            text += indented(check.output);
        }
    }
    return text + fmt::format("Score: {:g}/{:g}\n", result.score(), result.max_score());
}

std::string result_json(const LabResult& result) {
    using nlohmann::ordered_json;
    ordered_json tests = ordered_json::array();
    for (const CheckResult& check : result.checks) {
        tests.push_back({{"name", check.name},
                         {"score", check.score},
                         {"max_score", check.max_score},
                         {"status", check.passed() ? "passed" : "failed"},
                         {"output", check.output}});
    }
    const ordered_json document{{"score", result.score()}, {"tests", tests}};
    return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace trapgate::labs
