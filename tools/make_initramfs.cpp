// SPDX-License-Identifier: GPL-2.0-only
// make_initramfs OUTPUT GUEST=HOST...: a cpio archive with these files of the host at these paths
// in the guest, and /dev/console. Equal files make equal bytes: owners and times are not kept, and
// of the mode only whether a file may be executed.
#include <span>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>

#include "base/files.hpp"
#include "emu/loader/cpio.hpp"

namespace trapgate {
namespace {

Result<void> add(emu::CpioWriter& writer, std::string_view pair) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !pair.starts_with('/')) {
        return fail("not GUEST=HOST", std::string(pair));
    }
    const std::filesystem::path host = pair.substr(equals + 1);
    const std::uint32_t mode = ::access(host.c_str(), X_OK) == 0 ? 0755 : 0644;
    return read_file(host).map([&](const std::vector<std::byte>& content) {
        writer.add_file(pair.substr(0, equals), content, mode);
    });
}

Result<void> make(const std::filesystem::path& output, std::span<char*> pairs) {
    emu::CpioWriter writer;
    writer.add_directory("/dev");
    writer.add_character_device("/dev/console", 5, 1);
    Result<void> added;
    for (const char* pair : pairs) {
        added = added.and_then([&] { return add(writer, pair); });
    }
    return added.and_then([&] {
        const std::vector<std::byte> archive = writer.finish();
        return write_file(output, {reinterpret_cast<const char*>(archive.data()), archive.size()});
    });
}

int run(std::span<char*> arguments) {
    if (arguments.size() < 2) {
        fmt::print(stderr, "usage: make_initramfs OUTPUT GUEST=HOST...\n");
        return 2;
    }
    const Result<void> made = make(arguments[1], arguments.subspan(2));
    if (!made) {
        fmt::print(stderr, "make_initramfs: {}\n", made.error().message());
    }
    return made ? 0 : 1;
}

}  // namespace
}  // namespace trapgate

int main(int argc, char** argv) {
    return trapgate::run(std::span(argv, static_cast<std::size_t>(argc)));
}
