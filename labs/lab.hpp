// SPDX-License-Identifier: GPL-2.0-only
// A lab as data: the folder's lab.json says what it is worth and how it is checked, guide.md what
// to do, starter/ what to begin with. README.md describes the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace trapgate::labs {

/// Something that a run of the guest tells: no answer is written down in a lab.
struct Quantity {
    enum class Kind : std::uint8_t {
        SymbolAddress,  ///< {"symbol": S}: its address
        Hits,           ///< {"hits": S}: calls of a function
        FirstRegister,  ///< {"register": R, "at": S}: R at the function's first call
        RegisterSum,    ///< {"sum": R, "at": S}: R added up over all calls, as 64 bits
        FirstString,    ///< {"string": R, "at": S}: what R points to at the first call
        Constant,       ///< {"constant": N}: for mistakes that have nothing to do with a run
    };
    Kind kind = Kind::Constant;
    std::string symbol;
    std::string reg;
    std::uint64_t constant = 0;
    std::string append;  ///< The kernel's command line of the run.
};

using Value = std::variant<std::uint64_t, std::string>;

/// A wrong answer that people are known to give, and what it tells them.
struct Mistake {
    Quantity is;
    std::string because;
};

/// One thing that gives points.
struct Check {
    enum class Kind : std::uint8_t {
        Answer,  ///< `subject` is a key of answers.txt; its value must be `expect`.
        Probe,   ///< `subject` is a file with one probe definition; its hits must be `expect`.
        Map,     ///< `subject` is an eBPF source; element 0 of its map must be `expect`.
    };
    std::string name;
    Kind kind = Kind::Answer;
    double points = 1;
    std::string subject;
    std::string event;  ///< Probe: "group/name" that the definition must have.
    std::string map;    ///< Map: its name.
    Quantity expect;
    std::vector<Mistake> mistakes;
    std::string hint;  ///< What to do next when it is wrong and no mistake fits.
    /// Probe and Map: command lines to try, all of which must fit. Answer: just one.
    std::vector<std::string> appends;
};

struct Lab {
    std::string id;  ///< The folder's name.
    std::string title, summary;
    unsigned minutes = 0;
    std::uint64_t max_instructions = 0;
    double max_seconds = 0;
    std::vector<Check> checks;
    std::filesystem::path folder;

    [[nodiscard]] double points() const;
};

/// Reads folder/lab.json. Errors name the file and the line or field, and what was expected there.
[[nodiscard]] Result<Lab> read_lab(const std::filesystem::path& folder);

/// All labs below `root`, in the order of their names.
[[nodiscard]] Result<std::vector<Lab>> list_labs(const std::filesystem::path& root);

/// One of them. ENOENT with the nearest names.
[[nodiscard]] Result<Lab> find_lab(const std::filesystem::path& root, const std::string& id);

/// The guide's text.
[[nodiscard]] Result<std::string> read_guide(const Lab& lab);

/// Copies guide and starter files to `folder`, which must not exist or be empty, and notes there
/// which lab it is. A lab with eBPF programs also gets the kernel's types, vmlinux.h in `includes`.
[[nodiscard]] Result<void> start_lab(const Lab& lab, const std::filesystem::path& folder,
                                     const std::filesystem::path& includes);

/// The lab that start_lab noted in `folder`.
[[nodiscard]] Result<std::string> started_lab(const std::filesystem::path& folder);

}  // namespace trapgate::labs
