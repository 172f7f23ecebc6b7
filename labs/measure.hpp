// SPDX-License-Identifier: GPL-2.0-only
// What a run of the guest tells: the truth that answers are compared with.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/result.hpp"
#include "kernel/session/session.hpp"
#include "labs/lab.hpp"

namespace trapgate::labs {

/// What every run of a lab has in common.
struct Bench {
    std::filesystem::path image;
    std::uint64_t max_instructions = 0;
    double max_seconds = 0;

    /// A session of the image that is ready to run. `probes` and `objects` are the student's.
    [[nodiscard]] Result<std::unique_ptr<kernel::Session>> boot(
        const std::string& append, std::vector<std::string> probes = {},
        std::vector<std::filesystem::path> objects = {}) const;
    /// Runs to the guest's end; a limit or a crash is an error.
    [[nodiscard]] Result<void> finish(kernel::Session& session) const;
};

/// Measures quantities with observers of the host's, which the guest and its clock do not notice.
/// Every run is done once and remembered.
class Measurements {
public:
    explicit Measurements(Bench bench) : bench_(std::move(bench)) {}

    /// `append` replaces the quantity's own command line.
    [[nodiscard]] Result<Value> measure(const Quantity& quantity, const std::string& append);
    [[nodiscard]] Result<Value> measure(const Quantity& quantity) {
        return measure(quantity, quantity.append);
    }

private:
    /// A function in a run with one command line.
    struct Observation {
        std::uint64_t hits = 0;
        std::map<std::string, std::uint64_t> first, sum;  ///< By register.
        std::map<std::string, std::string> strings;       ///< Where a register pointed to text.
    };
    Result<const Observation*> observe(const std::string& symbol, const std::string& append);

    Bench bench_;
    std::map<std::pair<std::string, std::string>, Observation> observations_;
};

/// "0xffffffff81001cf0 (18446744071578852592)" or "\"text\"".
[[nodiscard]] std::string value_text(const Value& value);

}  // namespace trapgate::labs
