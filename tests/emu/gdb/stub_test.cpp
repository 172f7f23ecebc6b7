// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/stub.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "emu/gdb/address.hpp"
#include "emu/gdb/packet.hpp"
#include "tests/emu/bare_guest.hpp"

namespace trapgate::emu::gdb {
namespace {

class GdbStub : public testing::Test {
protected:
    std::string ask(std::string_view packet) {
        const Answer answer = stub_.handle(packet);
        EXPECT_EQ(answer.next, Answer::Next::Stay) << packet;
        EXPECT_EQ(answer.packets.size(), 1U) << packet;
        return answer.packets.empty() ? "(none)" : answer.packets.back();
    }

    BareGuest guest_{{0x48, 0xff, 0xc3, 0x48, 0xff, 0xc3, 0xf4}};
    Stub stub_{*guest_.machine, {}};
};

TEST_F(GdbStub, AnswersWhatItDoesNotKnowWithNothing) {
    for (const char* packet : {"", "vMustReplyEmpty", "qTStatus", "b", "!", "Z9,0,1", "bc", "bs",
                               "qCRC:0,1", "QNonStop:0", "\xff\xfe"}) {
        EXPECT_EQ(ask(packet), "") << packet;
    }
}

TEST_F(GdbStub, RefusesArgumentsThatMakeNoSense) {
    for (const char* packet : {"m",
                               "mx",
                               "m0",
                               "m0,",
                               "m0,1,2",
                               "m11111111111111111,1",
                               "p",
                               "pfff",
                               "P0",
                               "P0=1",
                               "Pfff=00",
                               "G00",
                               "M0,2:00",
                               "M0,1:zz",
                               "X0,5:ab",
                               "Z0",
                               "Z0,1",
                               "z0,g,1",
                               "Hx1",
                               "Hg9",
                               "T9",
                               "Tz",
                               "vCont",
                               "vCont;",
                               "vCont;q",
                               "vCont;s:9",
                               "vCont;r1",
                               "qRcmd,0",
                               "qXfer:features:read:target.xml:0",
                               "qThreadExtraInfo,77",
                               "Cxx",
                               "c zz"}) {
        EXPECT_EQ(ask(packet).substr(0, 1), "E") << packet;
    }
}

TEST_F(GdbStub, ReadsAndWritesRegistersAndMemory) {
    EXPECT_EQ(ask("P1=8877665544332211"), "OK");  // rbx
    EXPECT_EQ(guest_.gpr(cpu::Gpr::Rbx), 0x1122'3344'5566'7788U);
    EXPECT_EQ(ask("p1"), "8877665544332211");
    const std::string all = ask("g");
    EXPECT_EQ(ask("G" + all), "OK");
    EXPECT_EQ(all.substr(16, 16), "8877665544332211");
    EXPECT_EQ(ask("P12=00000000"), "E01");  // cs
    EXPECT_EQ(ask("mffffffff80010000,3"), "48ffc3");
    EXPECT_EQ(ask("Mffffffff80010000,1:90"), "OK");
    EXPECT_EQ(ask("mffffffff80010000,3"), "90ffc3");
    EXPECT_EQ(ask("m800000000000,1"), "E0e");
}

TEST_F(GdbStub, TellsHowTheGuestShallRun) {
    const auto resume = [this](std::string_view packet) {
        const Answer answer = stub_.handle(packet);
        EXPECT_EQ(answer.next, Answer::Next::Run) << packet;
        return answer.resume;
    };
    using enum Resume::Kind;
    EXPECT_EQ(resume("c"), (Resume{Continue, 0, 0, 0}));
    EXPECT_EQ(resume("s"), (Resume{Step, 0, 0, 0}));
    EXPECT_EQ(resume("vCont;c"), (Resume{Continue, 0, 0, 0}));
    EXPECT_EQ(resume("vCont;s:1;c"), (Resume{Step, 0, 0, 0}));
    EXPECT_EQ(resume("vCont;r10,20:1"), (Resume{Step, 0, 0x10, 0x20}));
    EXPECT_EQ(stub_.handle("k").next, Answer::Next::Kill);
    EXPECT_EQ(stub_.handle("D").next, Answer::Next::Detach);
}

TEST_F(GdbStub, SetsBreakpointsThatGoWithIt) {
    const GuestVa second = BareGuest::kCode + 3;
    {
        Stub stub(*guest_.machine, {});
        static_cast<void>(stub.handle("qSupported:swbreak+"));
        EXPECT_EQ(stub.handle("Z0,ffffffff80010003,1").packets.at(0), "OK");
        EXPECT_EQ(stub.handle("Z0,ffffffff80010003,1").packets.at(0), "OK");  // again: the same
        EXPECT_EQ(guest_.run().reason, StopReason::Breakpoint);
        EXPECT_EQ(guest_.machine->breakpoints_at(second), 1U);
        EXPECT_EQ(stub.stop_reply({StopReport::Why::Breakpoint, {}}).substr(0, 22),
                  "T05thread:1;swbreak:;0");
    }
    EXPECT_EQ(guest_.machine->breakpoints_at(second), 0U);
}

TEST_F(GdbStub, GivesDocumentsInPieces) {
    std::string whole;
    for (std::string piece = "m"; piece[0] == 'm'; whole += piece.substr(1)) {
        piece = ask(fmt::format("qXfer:features:read:target.xml:{:x},{:x}", whole.size(), 100));
        ASSERT_FALSE(piece.empty());
    }
    EXPECT_TRUE(whole.starts_with("<?xml"));
    EXPECT_TRUE(whole.ends_with("</target>\n"));
    EXPECT_EQ(ask("qXfer:features:read:other.xml:0,10"), "E00");
    EXPECT_EQ(ask("qXfer:threads:read::fffffff,10"), "l");
}

TEST(GdbAddress, IsReadOrRefusedWithAHint) {
    EXPECT_EQ(parse_address("tcp::1234").value().port, 1234);
    EXPECT_TRUE(parse_address("tcp:[::1]:0").value().version_6);
    EXPECT_EQ(parse_address("unix:/tmp/x").value().path, "/tmp/x");
    EXPECT_EQ(parse_address("tcp:0.0.0.0:1").error().linux_errno, EACCES);
    for (const char* bad : {"", "1234", "tcp:", "tcp::", "tcp::65536", "tcp::1x", "unix:"}) {
        EXPECT_FALSE(parse_address(bad)) << bad;
    }
    EXPECT_FALSE(parse_address("unix:" + std::string(200, 'x')));
}

}  // namespace
}  // namespace trapgate::emu::gdb
