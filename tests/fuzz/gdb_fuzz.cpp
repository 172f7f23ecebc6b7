// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/packet.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace trapgate;
using emu::gdb::Incoming;

// Any bytes, in pieces of any size, are the same packets; what was read can be sent again.
TRAPGATE_FUZZ(input) {
    const std::string_view bytes(reinterpret_cast<const char*>(input.data()), input.size());
    const std::size_t piece = input.empty() ? 1 : 1 + std::to_integer<std::size_t>(input[0]);
    emu::gdb::PacketReader whole;
    emu::gdb::PacketReader pieces;
    whole.feed(bytes);
    std::size_t fed = 0;
    const auto next_of_pieces = [&] {
        std::optional<Incoming> incoming = pieces.next();
        while (!incoming && fed < bytes.size()) {
            pieces.feed(bytes.substr(fed, piece));
            fed += piece;
            incoming = pieces.next();
        }
        return incoming;
    };
    while (const std::optional<Incoming> incoming = whole.next()) {
        fuzz::must(incoming->payload.size() <= emu::gdb::kMaxPayload);
        fuzz::must(next_of_pieces() == incoming);
        const std::string sent = emu::gdb::encode_packet(incoming->payload);
        fuzz::must(sent.find('$', 1) == std::string::npos);
    }
    fuzz::must(!next_of_pieces());
}
