// SPDX-License-Identifier: GPL-2.0-only
#include "base/usage.hpp"

#include <gtest/gtest.h>

namespace trapgate {
namespace {

const CommandWords kTool{"tool", {"--mem", "--report"}, {"run", "list"}};
const CommandWords kRun{"tool run", {"--mem", "--report"}, {}};

TEST(UnknownArgument, IsAnOptionWithTheNearestOne) {
    EXPECT_EQ(unknown_argument("--mme=64M", kRun).message(),
              "run: no such option: --mme (hint: did you mean --mem?)");
    EXPECT_EQ(unknown_argument("--frobnicate", kTool).message(),
              "no such option: --frobnicate (hint: tool --help lists what there is)");
}

TEST(UnknownArgument, IsACommandWhereThereAreCommands) {
    EXPECT_EQ(unknown_argument("rnu", kTool).hint, "did you mean run?");
    EXPECT_EQ(unknown_argument("rnu", kRun).what, "one argument too many: rnu");
}

}  // namespace
}  // namespace trapgate
