// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "emu/gdb/packet.hpp"

namespace trapgate::emu::gdb {

/// One gdb's socket. A peer that does not read for kSendSeconds counts as gone.
class Connection {
public:
    explicit Connection(UniqueFd socket);

    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] bool open() const { return static_cast<bool>(socket_); }
    void close() { socket_.reset(); }

    /// Takes what has arrived, without waiting; closes when the peer has left.
    void receive();
    /// The next packet or interrupt; acknowledgements are dealt with here.
    [[nodiscard]] std::optional<Incoming> next(bool acknowledge);
    void send_packet(std::string_view payload);

private:
    void send(std::string_view bytes);

    static constexpr int kSendSeconds = 5;

    UniqueFd socket_;
    PacketReader reader_;
    std::string last_sent_;
};

}  // namespace trapgate::emu::gdb
