// SPDX-License-Identifier: GPL-2.0-only
#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace trapgate {
namespace {

// Optimal string alignment: insert, delete, replace, swap neighbours. One object serves many names,
// so that a search over a kernel's symbols allocates nothing per symbol.
class EditDistance {
public:
    // The distance, or anything above `limit` when it is more than that.
    std::size_t operator()(std::string_view a, std::string_view b, std::size_t limit) {
        if (a.size() > b.size() + limit || b.size() > a.size() + limit) {
            return limit + 1;
        }
        before_last_.resize(b.size() + 1);
        last_.resize(b.size() + 1);
        row_.resize(b.size() + 1);
        std::iota(last_.begin(), last_.end(), std::size_t{0});
        for (std::size_t i = 1; i <= a.size(); ++i) {
            row_[0] = i;
            for (std::size_t j = 1; j <= b.size(); ++j) {
                const std::size_t replace = last_[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                row_[j] = std::min({last_[j] + 1, row_[j - 1] + 1, replace});
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                    row_[j] = std::min(row_[j], before_last_[j - 2] + 1);
                }
            }
            // Rows only grow, and a swap reaches back over one row.
            if (*std::ranges::min_element(row_) > limit &&
                *std::ranges::min_element(last_) > limit) {
                return limit + 1;
            }
            std::swap(before_last_, last_);
            std::swap(last_, row_);
        }
        return last_[b.size()];
    }

private:
    std::vector<std::size_t> before_last_;
    std::vector<std::size_t> last_;
    std::vector<std::size_t> row_;
};

}  // namespace

std::vector<std::string> nearest_names(std::string_view name,
                                       const std::vector<std::string_view>& candidates,
                                       std::size_t limit) {
    const std::size_t far = std::max<std::size_t>(1, name.size() / 3);
    std::vector<std::pair<std::size_t, std::string_view>> found;
    EditDistance edit_distance;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(name, candidate, far);
        if (distance <= far) {
            found.emplace_back(distance, candidate);
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::vector<std::string> names;
    for (const auto& [distance, candidate] : found) {
        if (names.size() == limit) {
            break;
        }
        names.emplace_back(candidate);
    }
    return names;
}

std::string did_you_mean(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += i == 0 ? "did you mean " : (i + 1 == names.size() ? " or " : ", ");
        text += names[i];
    }
    return text.empty() ? text : text + "?";
}

}  // namespace trapgate
