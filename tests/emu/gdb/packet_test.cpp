// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/packet.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace trapgate::emu::gdb {
namespace {

using Kind = Incoming::Kind;

std::vector<Incoming> read(std::string_view bytes) {
    PacketReader reader;
    reader.feed(bytes);
    std::vector<Incoming> all;
    while (std::optional<Incoming> incoming = reader.next()) {
        all.push_back(*incoming);
    }
    return all;
}

TEST(GdbPacket, IsFramedWithItsChecksum) {
    EXPECT_EQ(encode_packet("OK"), "$OK#9a");
    EXPECT_EQ(encode_packet(""), "$#00");
    EXPECT_EQ(read("$g#67"), (std::vector{Incoming{Kind::Packet, "g"}}));
}

TEST(GdbPacket, ComesInPiecesAndAmongOtherBytes) {
    PacketReader reader;
    const std::string stream = "noise+-\x03$m0,4#fd";
    std::vector<Incoming> all;
    for (const char c : stream) {
        reader.feed(std::string_view(&c, 1));
        while (std::optional<Incoming> incoming = reader.next()) {
            all.push_back(*incoming);
        }
    }
    EXPECT_EQ(
        all,
        (std::vector<Incoming>{
            {Kind::Ack, ""}, {Kind::Nack, ""}, {Kind::Interrupt, ""}, {Kind::Packet, "m0,4"}}));
}

TEST(GdbPacket, WithAWrongChecksumIsDamaged) {
    EXPECT_EQ(read("$g#68$g#zz")[0].kind, Kind::Damaged);
    EXPECT_EQ(read("$g#68$g#zz")[1].kind, Kind::Damaged);
}

TEST(GdbPacket, ResolvesEscapes) {
    EXPECT_EQ(read("$a}\x03z#5b").at(0), (Incoming{Kind::Packet, "a#z"}));
    EXPECT_EQ(read(encode_packet("a#}$*")).at(0).payload, "a#}$*");
}

TEST(GdbPacket, ShortensRunsToPrintableCounts) {
    EXPECT_EQ(encode_packet("0000"), "$0* #7a");  // one and three more: 29 + 3 is a space
    EXPECT_EQ(encode_packet("000").substr(0, 4), "$000");
    // Counts that would be '#' or '$' are split.
    for (std::size_t count = 1; count < 300; ++count) {
        const std::string packet = encode_packet(std::string(count, 'x'));
        const std::string body = packet.substr(1, packet.size() - 4);
        EXPECT_EQ(body.find_first_of("#$"), std::string::npos) << count;
        std::size_t expanded = 0;
        for (std::size_t i = 0; i < body.size(); ++i) {
            expanded += body[i] == '*' ? static_cast<std::size_t>(body[++i]) - 29 : 1;
        }
        EXPECT_EQ(expanded, count);
    }
}

TEST(GdbPacket, OfTooManyBytesIsSkippedAndToldOf) {
    PacketReader reader;
    reader.feed("$");
    for (int i = 0; i < 100; ++i) {
        reader.feed(std::string(1000, 'x'));
        EXPECT_EQ(reader.next(), std::nullopt);
    }
    reader.feed("#00$g#67");
    EXPECT_EQ(reader.next()->kind, Kind::TooLong);
    EXPECT_EQ(reader.next(), (Incoming{Kind::Packet, "g"}));
}

}  // namespace
}  // namespace trapgate::emu::gdb
