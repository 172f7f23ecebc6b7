// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/packet.hpp"

#include <algorithm>

#include "emu/gdb/hex.hpp"

namespace trapgate::emu::gdb {
namespace {

constexpr char kInterrupt = 0x03;
constexpr char kEscape = '}';
constexpr char kEscapeMask = 0x20;
constexpr std::size_t kChecksumChars = 2;

std::uint8_t checksum(std::string_view bytes) {
    unsigned sum = 0;
    for (const char c : bytes) {
        sum += static_cast<unsigned char>(c);
    }
    return static_cast<std::uint8_t>(sum);
}

std::string unescape(std::string_view raw) {
    std::string payload;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const bool escaped = raw[i] == kEscape && i + 1 < raw.size();
        payload += escaped ? static_cast<char>(raw[++i] ^ kEscapeMask) : raw[i];
    }
    return payload;
}

void append_escaped(std::string& to, char c) {
    if (c == '$' || c == '#' || c == '*' || c == kEscape) {
        to += kEscape;
        c = static_cast<char>(c ^ kEscapeMask);
    }
    to += c;
}

// A run is "c*n": the byte, and n = 29 more of it for each count, so that n can be printed. Counts
// that would make n one of '#' and '$' are not used.
constexpr std::size_t kRunBias = 29;
constexpr std::size_t kLongestRun = '~' - kRunBias;
constexpr std::size_t kShortestRun = 3;

std::size_t usable_run(std::size_t more) {
    more = std::min(more, kLongestRun);
    while (more + kRunBias == '#' || more + kRunBias == '$') {
        --more;
    }
    return more;
}

}  // namespace

std::optional<Incoming> PacketReader::next() {
    while (!pending_.empty()) {
        if (skipping_) {
            const std::size_t end = pending_.find('#');
            if (end == std::string::npos) {
                pending_.clear();
                return std::nullopt;
            }
            pending_.erase(0, end + 1);  // The checksum means nothing outside a packet.
            skipping_ = false;
            return Incoming{Incoming::Kind::TooLong, {}};
        }
        if (pending_[0] == '$') {
            return take_packet();
        }
        const char c = pending_[0];
        pending_.erase(0, 1);
        switch (c) {
            case '+': return Incoming{Incoming::Kind::Ack, {}};
            case '-': return Incoming{Incoming::Kind::Nack, {}};
            case kInterrupt: return Incoming{Incoming::Kind::Interrupt, {}};
            default: break;
        }
    }
    return std::nullopt;
}

std::optional<Incoming> PacketReader::take_packet() {
    const std::size_t end = pending_.find('#');
    if (std::min(end, pending_.size()) - 1 > kMaxPayload) {
        skipping_ = true;
        return next();
    }
    if (end == std::string::npos || pending_.size() < end + 1 + kChecksumChars) {
        return std::nullopt;
    }
    const std::string raw = pending_.substr(1, end - 1);
    const auto sum = from_hex(std::string_view(pending_).substr(end + 1, kChecksumChars));
    pending_.erase(0, end + 1 + kChecksumChars);
    if (!sum || std::to_integer<std::uint8_t>((*sum)[0]) != checksum(raw)) {
        return Incoming{Incoming::Kind::Damaged, {}};
    }
    return Incoming{Incoming::Kind::Packet, unescape(raw)};
}

std::string encode_packet(std::string_view payload) {
    std::string body;
    body.reserve(payload.size());
    while (!payload.empty()) {
        const char c = payload[0];
        const std::size_t run = std::min(payload.find_first_not_of(c), payload.size());
        append_escaped(body, c);
        std::size_t more = 0;
        if (run > kShortestRun && body.back() == c) {
            more = usable_run(run - 1);
            body += '*';
            body += static_cast<char>(more + kRunBias);
        }
        payload.remove_prefix(1 + more);
    }
    const auto sum = static_cast<std::byte>(checksum(body));
    return "$" + body + "#" + to_hex(std::span(&sum, 1));
}

}  // namespace trapgate::emu::gdb
