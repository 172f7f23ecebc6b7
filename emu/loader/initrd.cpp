// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/initrd.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "emu/loader/cpio.hpp"
#include "emu/loader/decompress.hpp"

namespace trapgate::emu {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;

// Bytes that the compressed archive at the start of `rest` takes.
Result<std::size_t> check_compressed(Compression format, std::span<const std::byte> rest,
                                     std::uint64_t limit) {
    std::optional<bool> holds_cpio;
    Result<std::size_t> used = unpack(format, rest, limit,
                                      [&holds_cpio](std::span<const std::byte> piece) {
                                          if (!holds_cpio) {
                                              holds_cpio = is_cpio(piece);
                                          }
                                      });
    if (!used && used.error().linux_errno == EFBIG) {
        return fail(fmt::format("it unpacks to more than the guest's {} MiB of RAM", limit / kMiB),
                    {}, "give the machine more memory with --mem", EFBIG);
    }
    if (used && !holds_cpio.value_or(true)) {
        return fail(
            fmt::format("what its {} data unpacks to is no cpio archive", compression_name(format)),
            {}, "an initramfs is made with cpio -o -H newc", EBADMSG);
    }
    return used;
}

Result<std::size_t> check_piece(std::span<const std::byte> rest, std::size_t at,
                                std::uint64_t limit) {
    if (is_cpio(rest)) {
        return read_cpio(rest).map([](const CpioArchive& archive) { return archive.bytes; });
    }
    const std::optional<Compression> format = detect_compression(rest);
    if (!format) {
        return fail(at == 0 ? "neither a cpio archive nor compressed"
                            : fmt::format("neither a cpio archive nor compressed data follows at "
                                          "byte {}",
                                          at),
                    {}, "an initramfs is made with cpio -o -H newc", EBADMSG);
    }
    return can_unpack(*format) ? check_compressed(*format, rest, limit) : rest.size();
}

}  // namespace

Result<void> check_initrd(std::span<const std::byte> initrd, const std::string& name,
                          std::uint64_t unpacked_limit) {
    if (initrd.empty()) {
        return fail("the initrd is empty", name, "leave the option out to boot without one",
                    EBADMSG);
    }
    for (std::size_t at = 0; at < initrd.size();) {
        if (initrd[at] == std::byte{0}) {
            ++at;
            continue;
        }
        Result<std::size_t> used = check_piece(initrd.subspan(at), at, unpacked_limit);
        if (!used) {
            Error error = std::move(used.error());
            error.what = "not a usable initrd: " + error.what;
            error.where = name;
            return tl::unexpected(std::move(error));
        }
        at += *used;
    }
    return {};
}

std::vector<std::byte> join_initrd(std::vector<std::byte> initrd,
                                   std::span<const std::byte> overlay) {
    if (!overlay.empty()) {
        initrd.resize((initrd.size() + 3) & ~std::size_t{3});
        initrd.insert(initrd.end(), overlay.begin(), overlay.end());
    }
    return initrd;
}

Result<PlacedInitrd> place_initrd(PhysicalMemory& memory, std::span<const std::byte> initrd,
                                  const InitrdSpace& space, const std::string& name) {
    const std::uint64_t lowest = page_align_up(space.lowest);
    const std::uint64_t room = space.end > lowest ? space.end - lowest : 0;
    const std::uint64_t base = space.end - std::min<std::uint64_t>(initrd.size(), space.end);
    const GuestPa start{base & ~(kPageBytes - 1)};
    if (initrd.size() > room || start.value < lowest) {
        return fail(fmt::format("the initrd of {:.1f} MiB does not fit: {:.1f} MiB are free above "
                                "the kernel",
                                static_cast<double>(initrd.size()) / kMiB,
                                static_cast<double>(room) / kMiB),
                    name, "give the machine more memory with --mem", ENOMEM);
    }
    const std::span<std::byte> to = memory.view(start, initrd.size());
    std::memcpy(to.data(), initrd.data(), initrd.size());
    return PlacedInitrd{start, initrd.size()};
}

}  // namespace trapgate::emu
