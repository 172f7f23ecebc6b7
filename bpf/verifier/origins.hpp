// SPDX-License-Identifier: GPL-2.0-only
// Which numbers matter. Most scalars are only stored or counted, and two states that differ in them
// alone are as good as equal. A number matters ("is precise", in Linux's words) once a verdict
// depends on it: it moved a pointer, decided a branch, was a size. Linux walks back through the
// instructions to find where such a number came from; here each number carries its origin forward:
// a node of a graph whose edges lead to the numbers that it was made of, down to those in the
// states that were kept. Marking a node marks all that it came from.
#pragma once

#include <cstdint>
#include <vector>

namespace trapgate::bpf {

class Origins {
public:
    /// Nothing that a kept state knows: constants, loads, results of helpers.
    static constexpr std::uint32_t kNone = 0;

    /// Made of both.
    std::uint32_t join(std::uint32_t a, std::uint32_t b) {
        if (a == kNone || a == b) {
            return b;
        }
        return b == kNone ? a : add(a, b);
    }
    /// A number of a state that is being kept.
    std::uint32_t fresh(std::uint32_t from) { return add(from, kNone); }

    void mark(std::uint32_t origin) {
        open_.push_back(origin);
        while (!open_.empty()) {
            Node& node = nodes_[open_.back()];
            open_.pop_back();
            if (!node.matters) {
                node.matters = true;
                open_.push_back(node.first);
                open_.push_back(node.second);
            }
        }
    }
    [[nodiscard]] bool matters(std::uint32_t origin) const { return nodes_[origin].matters; }

private:
    struct Node {
        std::uint32_t first = kNone;
        std::uint32_t second = kNone;
        bool matters = false;
    };

    std::uint32_t add(std::uint32_t first, std::uint32_t second) {
        nodes_.push_back({first, second, false});
        return static_cast<std::uint32_t>(nodes_.size() - 1);
    }

    std::vector<Node> nodes_{{kNone, kNone, true}};
    std::vector<std::uint32_t> open_;
};

}  // namespace trapgate::bpf
