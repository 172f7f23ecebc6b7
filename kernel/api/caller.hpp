// SPDX-License-Identifier: GPL-2.0-only
// Who makes a system call: where its pointers point and what its descriptors mean. The handlers of
// bpf(2) know no other way to the caller, so the same code serves this process, another one, and a
// guest program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <tl/expected.hpp>

#include "kernel/api/handles.hpp"
#include "kernel/api/object.hpp"

namespace trapgate::kernel {

class Caller {
public:
    virtual ~Caller() = default;

    /// Copies from and to the caller's memory; false where Linux gives EFAULT. Zero bytes always
    /// succeed.
    [[nodiscard]] virtual bool read(std::uint64_t address, std::span<std::byte> to) = 0;
    [[nodiscard]] virtual bool write(std::uint64_t address, std::span<const std::byte> from) = 0;

    /// The object behind a descriptor, or EBADF (not open) or EINVAL (something else's).
    [[nodiscard]] virtual tl::expected<OpenObject, int> find(int fd) = 0;
    /// Gives the caller a new descriptor; or a negative errno.
    [[nodiscard]] virtual int install(std::shared_ptr<Object> object, Access access) = 0;

    /// The object of a descriptor that must be a T (EINVAL when it is not).
    template <class T>
    [[nodiscard]] tl::expected<std::shared_ptr<T>, int> object(int fd) {
        const auto found = find(fd);
        if (!found) {
            return tl::unexpected(found.error());
        }
        auto typed = std::dynamic_pointer_cast<T>(found->object);
        if (typed == nullptr) {
            return tl::unexpected(EINVAL);
        }
        return typed;
    }

    template <class T>
    [[nodiscard]] bool read_value(std::uint64_t address, T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        return read(address, std::as_writable_bytes(std::span(&value, 1)));
    }
    template <class T>
    [[nodiscard]] bool write_value(std::uint64_t address, const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        return write(address, std::as_bytes(std::span(&value, 1)));
    }
    /// A NUL-terminated string of at most `limit` bytes, the NUL included; cut off (no NUL found)
    /// it has `limit` bytes. Nothing for EFAULT.
    [[nodiscard]] std::optional<std::string> read_string(std::uint64_t address, std::size_t limit);
    /// All bytes in [address, address + bytes) are zero. Nothing for EFAULT.
    [[nodiscard]] std::optional<bool> all_zero(std::uint64_t address, std::uint64_t bytes);
};

/// This process. Bad pointers are found out, never followed.
class OwnProcess final : public Caller {
public:
    explicit OwnProcess(HandleTable& handles) : handles_(handles) {}
    [[nodiscard]] bool read(std::uint64_t address, std::span<std::byte> to) override;
    [[nodiscard]] bool write(std::uint64_t address, std::span<const std::byte> from) override;
    [[nodiscard]] tl::expected<OpenObject, int> find(int fd) override { return handles_.find(fd); }
    [[nodiscard]] int install(std::shared_ptr<Object> object, Access access) override {
        return handles_.open(std::move(object), access);
    }

private:
    HandleTable& handles_;
};

}  // namespace trapgate::kernel
