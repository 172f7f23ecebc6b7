// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace trapgate::bpf {

/// The verifier's log. Level 0 keeps nothing; bit 1 explains, bit 2 adds every state, bit 4 only
/// the statistics.
class Log {
public:
    explicit Log(std::uint32_t level) : level_(level) {}

    void add(std::string_view text) {
        if (level_ != 0) {
            text_ += text;
        }
    }
    [[nodiscard]] bool follows_insns() const { return (level_ & 3) != 0; }
    [[nodiscard]] bool keeps_all_paths() const { return (level_ & 2) != 0; }
    [[nodiscard]] bool wants_statistics() const { return (level_ & 4) != 0; }
    [[nodiscard]] bool is_on() const { return level_ != 0; }

    [[nodiscard]] std::size_t size() const { return text_.size(); }
    void cut(std::size_t size) {
        if (size < text_.size()) {
            text_.resize(size);
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::uint32_t level_;
    std::string text_;
};

/// Numbers as the kernel prints them: decimal while short, else hexadecimal.
[[nodiscard]] std::string number_text(std::uint64_t v);
[[nodiscard]] std::string signed_number_text(std::int64_t v);

}  // namespace trapgate::bpf
