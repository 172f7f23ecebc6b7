// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/event_format.hpp"

#include <gtest/gtest.h>

#include "tests/kernel/events/fake_kernel.hpp"

namespace trapgate::kernel {
namespace {

std::string format_of(std::string_view line) {
    return format_text(*parse_definition(line, test::FakeFacts()), 2000);
}

constexpr std::string_view kCommon =
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
    "\n";

TEST(EventFormat, OfAProbeIsWhatLinuxPrints) {
    EXPECT_EQ(format_of("p:open vfs_read dfd=%di path=+0(%si):string mode=%dx:s16"),
              "name: open\nID: 2000\nformat:\n" + std::string(kCommon) +
                  "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
                  "\tfield:u64 dfd;\toffset:16;\tsize:8;\tsigned:0;\n"
                  "\tfield:__data_loc char[] path;\toffset:24;\tsize:4;\tsigned:1;\n"
                  "\tfield:s16 mode;\toffset:28;\tsize:2;\tsigned:1;\n"
                  "\n"
                  "print fmt: \"(%lx) dfd=0x%Lx path=\\\"%s\\\" mode=%d\", REC->__probe_ip, "
                  "REC->dfd, __get_str(path), REC->mode\n");
}

TEST(EventFormat, OfAReturnNamesBothAddresses) {
    EXPECT_EQ(format_of("r:back vfs_read $retval:u32"),
              "name: back\nID: 2000\nformat:\n" + std::string(kCommon) +
                  "\tfield:unsigned long __probe_func;\toffset:8;\tsize:8;\tsigned:0;\n"
                  "\tfield:unsigned long __probe_ret_ip;\toffset:16;\tsize:8;\tsigned:0;\n"
                  "\tfield:u32 arg1;\toffset:24;\tsize:4;\tsigned:0;\n"
                  "\n"
                  "print fmt: \"(%lx <- %lx) arg1=%u\", REC->__probe_func, REC->__probe_ret_ip, "
                  "REC->arg1\n");
}

TEST(EventFormat, OfAnArrayHasItsSize) {
    EXPECT_EQ(format_of("p:a vfs_read b=+0(%di):x8[3] s=+0(%si):string[2]"),
              "name: a\nID: 2000\nformat:\n" + std::string(kCommon) +
                  "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
                  "\tfield:u8 b[];\toffset:16;\tsize:3;\tsigned:0;\n"
                  "\tfield:__data_loc char[][2] s;\toffset:19;\tsize:8;\tsigned:1;\n"
                  "\n"
                  "print fmt: \"(%lx) b={0x%x,0x%x,0x%x} s={\\\"%s\\\",\\\"%s\\\"}\", "
                  "REC->__probe_ip, REC->b[0], REC->b[1], REC->b[2], __get_str(s[0]), "
                  "__get_str(s[1])\n");
}

}  // namespace
}  // namespace trapgate::kernel
