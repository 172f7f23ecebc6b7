// SPDX-License-Identifier: GPL-2.0-only
#include "emu/loader/bzimage.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "emu/loader/decompress.hpp"

namespace trapgate::emu {
namespace {

constexpr std::size_t kHeaderStart = 0x1f1;
constexpr std::size_t kHeaderLength = 0x201;  // byte; counted from 0x202
constexpr std::size_t kHeaderMagic = 0x202;
constexpr std::size_t kProtocol = 0x206;
constexpr std::size_t kInitrdMax = 0x22c;
constexpr std::size_t kExtendedFlags = 0x236;
constexpr std::size_t kCommandLineMax = 0x238;
constexpr std::size_t kPayloadOffset = 0x248;
constexpr std::size_t kPayloadLength = 0x24c;
constexpr std::size_t kHeaderEnd = 0x250;  // What is read here.
constexpr std::size_t kSectorBytes = 512;
constexpr std::uint16_t kOldestProtocol = 0x0208;
constexpr std::uint16_t kExtendedFlagsSince = 0x020c;
constexpr std::uint16_t kHas64BitEntry = 1;
constexpr std::size_t kSizeTrailer = 4;

template <class T>
T load(std::span<const std::byte> file, std::size_t at) {
    T value;
    std::memcpy(&value, file.data() + at, sizeof(value));
    return value;
}

class Reader {
public:
    Reader(std::span<const std::byte> file, const std::string& name) : file_(file), name_(name) {}

    Result<BzImage> read() {
        return read_header()
            .and_then([&] { return find_payload(); })
            .and_then([&](std::span<const std::byte> payload) { return unpack_payload(payload); })
            .map([&] { return std::move(image_); });
    }

private:
    [[nodiscard]] auto refuse(std::string what, std::string hint = "is the file complete?",
                              int error = ENOEXEC) const {
        return fail(std::move(what), name_, std::move(hint), error);
    }

    Result<void> read_header() {
        if (!is_bzimage(file_)) {
            return refuse("not a Linux bzImage", "a bzImage has \"HdrS\" at offset 0x202");
        }
        if (file_.size() < kHeaderEnd) {
            return refuse("the bzImage ends within its setup header");
        }
        SetupHeader& header = image_.header;
        header.protocol = load<std::uint16_t>(file_, kProtocol);
        if (header.protocol < kOldestProtocol) {
            return refuse(fmt::format("the bzImage speaks boot protocol {}.{:02}, 2.08 is needed",
                                      header.protocol >> 8, header.protocol & 0xff),
                          "Linux 2.6.26 and newer will do");
        }
        if (header.protocol < kExtendedFlagsSince ||
            (load<std::uint16_t>(file_, kExtendedFlags) & kHas64BitEntry) == 0) {
            return refuse("not a 64-bit kernel", "the machine runs 64-bit x86 kernels only");
        }
        const std::size_t end = kHeaderMagic + load<std::uint8_t>(file_, kHeaderLength);
        if (end < kHeaderEnd || end > file_.size()) {
            return refuse("the setup header's length is wrong");
        }
        header.initrd_max = load<std::uint32_t>(file_, kInitrdMax);
        header.command_line_max = load<std::uint32_t>(file_, kCommandLineMax);
        header.bytes.assign(file_.begin() + kHeaderStart,
                            file_.begin() + static_cast<std::ptrdiff_t>(end));
        return {};
    }

    Result<std::span<const std::byte>> find_payload() {
        constexpr unsigned kDefaultSectors = 4;  // What 0 stands for.
        const unsigned sectors = load<std::uint8_t>(file_, kHeaderStart);
        const std::uint64_t start = (std::uint64_t{sectors == 0 ? kDefaultSectors : sectors} + 1) *
                                        kSectorBytes +
                                    load<std::uint32_t>(file_, kPayloadOffset);
        const std::uint64_t length = load<std::uint32_t>(file_, kPayloadLength);
        if (start > file_.size() || length > file_.size() - start) {
            return refuse(fmt::format(
                "the bzImage is cut short: its payload ends at byte {}, the file has {}",
                start + length, file_.size()));
        }
        if (length <= kSizeTrailer) {
            return refuse("the bzImage has no payload");
        }
        return file_.subspan(start, length);
    }

    Result<void> unpack_payload(std::span<const std::byte> payload) {
        const std::optional<Compression> format = detect_compression(payload);
        if (!format) {
            return refuse("the kernel in the bzImage is compressed in an unknown way",
                          "gzip, xz, lzma and zstd are supported");
        }
        if (!can_unpack(*format)) {
            return refuse(fmt::format("the kernel in the bzImage is compressed with {}, "
                                      "which is not supported",
                                      compression_name(*format)),
                          "gzip, xz, lzma and zstd are; scripts/extract-vmlinux of the kernel's "
                          "sources makes an ELF file that can be given instead");
        }
        // The build appends the unpacked size; gzip's own format ends with it.
        const auto claimed = load<std::uint32_t>(payload, payload.size() - kSizeTrailer);
        if (claimed > kMaxVmlinux) {
            return too_large(claimed);
        }
        std::vector<std::byte>& vmlinux = image_.vmlinux;
        const std::uint64_t possible = std::uint64_t{payload.size()} * kBestRatio;
        vmlinux.reserve(std::min<std::uint64_t>(claimed, possible));
        const Result<std::size_t> used = unpack(
            *format, payload, kMaxVmlinux, [&vmlinux](std::span<const std::byte> piece) {
                vmlinux.insert(vmlinux.end(), piece.begin(), piece.end());
            });
        if (!used && used.error().linux_errno == EFBIG) {
            return too_large(vmlinux.size());
        }
        if (!used) {
            return refuse("the kernel in the bzImage cannot be unpacked: " + used.error().what,
                          used.error().hint, used.error().linux_errno);
        }
        if (vmlinux.size() != claimed) {
            return refuse(
                fmt::format("the kernel in the bzImage unpacks to {} bytes, its size "
                            "field says {}",
                            vmlinux.size(), claimed));
        }
        return {};
    }

    [[nodiscard]] tl::unexpected<Error> too_large(std::uint64_t bytes) const {
        return refuse(
            fmt::format("the kernel in the bzImage unpacks to {} MiB or more", bytes >> 20),
            fmt::format("at most {} MiB are accepted", kMaxVmlinux >> 20), EFBIG);
    }

    // Memory is set aside for what a payload of this size may plausibly hold, whatever it claims.
    static constexpr std::uint64_t kBestRatio = 64;

    std::span<const std::byte> file_;
    const std::string& name_;
    BzImage image_;
};

}  // namespace

bool is_bzimage(std::span<const std::byte> file) {
    constexpr char kMagic[] = {'H', 'd', 'r', 'S'};
    return file.size() >= kProtocol &&
           std::memcmp(file.data() + kHeaderMagic, kMagic, sizeof(kMagic)) == 0;
}

Result<BzImage> read_bzimage(std::span<const std::byte> file, const std::string& name) {
    return Reader(file, name).read();
}

}  // namespace trapgate::emu
