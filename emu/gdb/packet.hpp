// SPDX-License-Identifier: GPL-2.0-only
// Framing of gdb's remote protocol (gdb manual, "Overview" of the remote protocol): $payload#cc,
// acknowledged by + or - until both sides agree not to; 0x03 alone interrupts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trapgate::emu::gdb {

/// The longest payload that is taken, and what gdb is told (PacketSize). Without escapes a reply
/// is not longer either.
inline constexpr std::size_t kMaxPayload = 0x4000;

/// What came in.
struct Incoming {
    enum class Kind : std::uint8_t {
        Packet,     ///< `payload`, its escapes resolved.
        Interrupt,  ///< 0x03.
        Ack,
        Nack,
        Damaged,  ///< A packet with a wrong checksum: to be asked for again.
        TooLong,  ///< A packet of more than kMaxPayload bytes.
    };
    Kind kind = Kind::Packet;
    std::string payload;
    bool operator==(const Incoming&) const = default;
};

/// Cuts a byte stream into packets. Bytes between packets that mean nothing are skipped.
class PacketReader {
public:
    void feed(std::string_view bytes) { pending_ += bytes; }
    /// The next thing that is complete.
    [[nodiscard]] std::optional<Incoming> next();

private:
    std::optional<Incoming> take_packet();

    std::string pending_;
    bool skipping_ = false;  ///< Inside a packet that is too long.
};

/// $payload#cc with escapes, and with runs of four and more equal bytes shortened.
[[nodiscard]] std::string encode_packet(std::string_view payload);

}  // namespace trapgate::emu::gdb
