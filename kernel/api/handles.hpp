// SPDX-License-Identifier: GPL-2.0-only
// Descriptors for objects. A descriptor is the read end of a pipe; this table holds the write end.
//
// Constraints and facts this rests on (Linux, pipe(7), epoll(7)):
//  1. Both ends of a pipe have the same inode; dup, fork and SCM_RIGHTS keep it: the inode is the
//  identity.
//  2. When the last copy of the read end anywhere is closed, the write end reports POLLERR: Linux's
//  own lifetime.
//  3. A byte in the pipe makes every copy readable for poll and epoll; none makes it not readable.
//  There is at most one.
//  4. The owner must not keep a read end (see 2), so it takes a byte back through a read end that
//  it opens for
//     that moment through /proc/self/fd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <sys/types.h>

#include <tl/expected.hpp>

#include "base/unique_fd.hpp"
#include "kernel/api/object.hpp"

namespace trapgate::kernel {

/// What a descriptor allows, as f_mode does on Linux.
enum class Access : std::uint8_t { ReadWrite, ReadOnly, WriteOnly };
[[nodiscard]] constexpr bool can_read(Access access) { return access != Access::WriteOnly; }
[[nodiscard]] constexpr bool can_write(Access access) { return access != Access::ReadOnly; }

struct OpenObject {
    std::shared_ptr<Object> object;
    Access access = Access::ReadWrite;
};

/// All descriptors one owner has handed out in this process and, from here, to others. Any thread.
class HandleTable {
public:
    HandleTable();
    HandleTable(const HandleTable&) = delete;
    HandleTable& operator=(const HandleTable&) = delete;
    ~HandleTable();

    /// A new close-on-exec descriptor, which belongs to the caller; or a negative errno (-EMFILE).
    [[nodiscard]] int open(std::shared_ptr<Object> object, Access access);

    /// What `fd` of this process stands for. Positive errnos: EBADF when it is not open, EINVAL
    /// when it is open and not one of ours.
    [[nodiscard]] tl::expected<OpenObject, int> find(int fd) const;
    /// The same by inode, for a descriptor in another process.
    [[nodiscard]] tl::expected<OpenObject, int> find_inode(ino_t inode) const;

    /// Lets go of every object whose last descriptor was closed. Returns how many.
    std::size_t reap();

    /// Makes the descriptors of pollable objects agree with Object::readable(). To be called after
    /// something wrote to a ring, and before somebody waits on one (the consumer moves on in shared
    /// memory, unseen).
    void refresh();

    [[nodiscard]] std::size_t size() const;

private:
    struct Handle {
        UniqueFd write_end;
        OpenObject open;
    };

    mutable std::mutex mutex_;
    std::map<ino_t, Handle> handles_;
    UniqueFd closed_;  ///< epoll set of the write ends: reports those with no reader left.
    dev_t pipe_device_ = 0;
};

}  // namespace trapgate::kernel
