// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/connection.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace trapgate::emu::gdb {

Connection::Connection(UniqueFd socket) : socket_(std::move(socket)) {
    const timeval patience{kSendSeconds, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const int yes = 1;  // Small packets back and forth; no harm on a Unix socket, where it fails.
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void Connection::receive() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
        reader_.feed({bytes.data(), static_cast<std::size_t>(got)});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close();
    }
}

std::optional<Incoming> Connection::next(bool acknowledge) {
    while (std::optional<Incoming> incoming = reader_.next()) {
        switch (incoming->kind) {
            case Incoming::Kind::Interrupt: return incoming;
            case Incoming::Kind::Packet:
                if (acknowledge) {
                    send("+");
                }
                return incoming;
            case Incoming::Kind::TooLong:
                if (acknowledge) {
                    send("+");
                }
                send_packet("E16");
                break;
            case Incoming::Kind::Damaged:
                if (acknowledge) {
                    send("-");
                }
                break;
            case Incoming::Kind::Nack:
                if (acknowledge) {
                    send(last_sent_);
                }
                break;
            case Incoming::Kind::Ack: break;
        }
    }
    return std::nullopt;
}

void Connection::send_packet(std::string_view payload) {
    last_sent_ = encode_packet(payload);
    send(last_sent_);
}

void Connection::send(std::string_view bytes) {
    while (open() && !bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno != EINTR) {
            close();
        }
    }
}

}  // namespace trapgate::emu::gdb
