// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace trapgate::emu::gdb {

/// Where the server listens. A debugger owns the machine, so only this host can reach it.
struct Address {
    enum class Kind : std::uint8_t { Tcp, Unix };
    Kind kind = Kind::Tcp;
    std::uint16_t port = 0;  ///< 0: any free one.
    bool version_6 = false;  ///< On ::1 instead of 127.0.0.1.
    std::string path{};      ///< Of a Unix socket.
    bool operator==(const Address&) const = default;
};

/// "tcp::1234", "tcp:localhost:1234", "tcp:[::1]:0", "unix:PATH". Other hosts than this one are
/// refused.
[[nodiscard]] Result<Address> parse_address(std::string_view text);

/// A listening socket, non-blocking; a dead server's Unix socket is replaced, a living one's is
/// not.
[[nodiscard]] Result<UniqueFd> listen_at(const Address& address);

/// What gdb's "target remote" takes, with the port that was chosen: "localhost:1234",
/// "/tmp/gdb.sock".
[[nodiscard]] std::string remote_words(const Address& address, int socket);

}  // namespace trapgate::emu::gdb
