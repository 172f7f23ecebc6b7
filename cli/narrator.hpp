// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/stream.hpp"
#include "cli/terminal.hpp"

namespace trapgate::cli {

/// Tells a story in numbered steps: wrapped to the terminal, in colour where there is colour.
class Narrator {
public:
    explicit Narrator(OutputStream& out) : out_(out), terminal_(terminal_of(out.fd())) {}

    void title(std::string_view text);
    void step(std::string_view text);
    /// A paragraph.
    void say(std::string_view text);
    /// A line that somebody else said.
    void quote(std::string_view who, std::string_view line);
    /// A name with its value; without a name it belongs to the one above.
    void fact(std::string_view name, std::string_view value);
    /// Commands to try next, with what they do.
    void next(const std::vector<Example>& commands);

private:
    enum class Last { Title, Step, Paragraph, Lines };
    /// An empty line where one kind of text meets another.
    void gap(Last now);

    OutputStream& out_;
    Terminal terminal_;
    unsigned steps_ = 0;
    Last last_ = Last::Title;
};

}  // namespace trapgate::cli
