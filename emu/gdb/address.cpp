// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/address.hpp"

#include <charconv>
#include <cstring>
#include <filesystem>

#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>
#include <netinet/in.h>

namespace trapgate::emu::gdb {
namespace {

constexpr const char* kForms = "tcp::1234, tcp:localhost:0, unix:/tmp/gdb.sock";

union AnyAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
};

struct SocketAddress {
    AnyAddress address{};
    socklen_t bytes = 0;
};

SocketAddress socket_address(const Address& from) {
    SocketAddress to;
    if (from.kind == Address::Kind::Unix) {
        to.address.local.sun_family = AF_UNIX;
        std::memcpy(to.address.local.sun_path, from.path.data(), from.path.size());
        to.bytes = sizeof(sockaddr_un);
    } else if (from.version_6) {
        to.address.v6.sin6_family = AF_INET6;
        to.address.v6.sin6_port = htons(from.port);
        to.address.v6.sin6_addr = in6addr_loopback;
        to.bytes = sizeof(sockaddr_in6);
    } else {
        to.address.v4.sin_family = AF_INET;
        to.address.v4.sin_port = htons(from.port);
        to.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.bytes = sizeof(sockaddr_in);
    }
    return to;
}

UniqueFd open_socket(const Address& address) {
    const int family = socket_address(address).address.any.sa_family;
    return UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A socket file that nobody listens at is what a server that was killed left behind.
void remove_dead_socket(const Address& address) {
    std::error_code error;
    if (address.kind != Address::Kind::Unix || !std::filesystem::is_socket(address.path, error)) {
        return;
    }
    const UniqueFd probe = open_socket(address);
    const SocketAddress to = socket_address(address);
    if (probe && ::connect(probe.get(), &to.address.any, to.bytes) != 0 && errno == ECONNREFUSED) {
        std::filesystem::remove(address.path, error);
    }
}

Result<Address> parse_tcp(std::string_view text, std::string_view whole) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return fail("no port", std::string(whole), kForms);
    }
    const std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    Address address;
    address.version_6 = host == "[::1]" || host == "::1";
    if (!address.version_6 && !host.empty() && host != "localhost" && host != "127.0.0.1") {
        return fail("a debugger can only come from this host", std::string(whole),
                    "tcp::PORT, and ssh -L PORT:localhost:PORT from elsewhere", EACCES);
    }
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size()) {
        return fail("not a port", std::string(whole), "0 to 65535; 0 takes a free one");
    }
    return address;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
    constexpr std::string_view kTcp = "tcp:";
    constexpr std::string_view kUnix = "unix:";
    if (text.starts_with(kTcp)) {
        return parse_tcp(text.substr(kTcp.size()), text);
    }
    if (!text.starts_with(kUnix)) {
        return fail("not an address to listen at", std::string(text), kForms);
    }
    Address address;
    address.kind = Address::Kind::Unix;
    address.path = text.substr(kUnix.size());
    if (address.path.empty() || address.path.size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(
            fmt::format("a socket's path has 1 to {} bytes", sizeof(sockaddr_un::sun_path) - 1),
            std::string(text), {}, ENAMETOOLONG);
    }
    return address;
}

Result<UniqueFd> listen_at(const Address& address) {
    remove_dead_socket(address);
    UniqueFd socket = open_socket(address);
    const SocketAddress at = socket_address(address);
    const int yes = 1;
    if (address.kind == Address::Kind::Tcp) {
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    }
    if (!socket || ::bind(socket.get(), &at.address.any, at.bytes) != 0 ||
        ::listen(socket.get(), 1) != 0) {
        const int reason = errno;
        const bool unix_socket = address.kind == Address::Kind::Unix;
        return fail(fmt::format("cannot listen: {}", std::strerror(reason)),
                    unix_socket ? address.path : fmt::format("tcp port {}", address.port),
                    reason != EADDRINUSE ? ""
                    : unix_socket        ? "another server is there"
                                         : "port 0 takes a free one",
                    reason);
    }
    return socket;
}

std::string remote_words(const Address& address, int socket) {
    if (address.kind == Address::Kind::Unix) {
        return address.path;
    }
    AnyAddress bound{};
    socklen_t bytes = sizeof(bound);
    ::getsockname(socket, &bound.any, &bytes);
    return address.version_6 ? fmt::format("[::1]:{}", ntohs(bound.v6.sin6_port))
                             : fmt::format("localhost:{}", ntohs(bound.v4.sin_port));
}

}  // namespace trapgate::emu::gdb
