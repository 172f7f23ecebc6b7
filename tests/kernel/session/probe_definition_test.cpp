// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/session/probe_definition.hpp"

#include <gtest/gtest.h>

namespace trapgate::kernel {
namespace {

TEST(ProbeDefinition, TakesABareSymbol) {
    const ProbeDefinition expected{"kprobes", "p_vfs_open_28", "vfs_open", 28};
    EXPECT_EQ(parse_probe_definition("vfs_open+0x1c"), expected);
    EXPECT_EQ(parse_probe_definition("vfs_open+28"), expected);
}

TEST(ProbeDefinition, TakesTheTracefsForm) {
    EXPECT_EQ(parse_probe_definition("p vfs_open"),
              (ProbeDefinition{"kprobes", "p_vfs_open_0", "vfs_open", 0}));
    EXPECT_EQ(parse_probe_definition("p:opened vfs_open"),
              (ProbeDefinition{"kprobes", "opened", "vfs_open", 0}));
    EXPECT_EQ(parse_probe_definition("p:files/opened vfs_open+4"),
              (ProbeDefinition{"files", "opened", "vfs_open", 4}));
}

TEST(ProbeDefinition, MakesEventNamesOfCompilerSuffixes) {
    EXPECT_EQ(parse_probe_definition("copy.isra.0")->event, "p_copy_isra_0_0");
}

TEST(ProbeDefinition, RefusesWhatItCannotDo) {
    for (const char* const bad :
         {"", "p", "p:x", "q:x vfs_open", "r:x vfs_open", "p:1x vfs_open", "p:x vfs_open %di",
          "p:x vfs_open+zz", "p:a/b/c vfs_open", "+4"}) {
        const Result<ProbeDefinition> parsed = parse_probe_definition(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_FALSE(parsed.error().hint.empty()) << bad;
        EXPECT_NE(parsed.error().where.find(bad), std::string::npos) << bad;
    }
}

}  // namespace
}  // namespace trapgate::kernel
