// SPDX-License-Identifier: GPL-2.0-only
#pragma once

struct file;
struct file_operations;

/// A new descriptor for an open file without a name, with `data` in private_data; or an errno, and
/// then `data` is the caller's still. `flags`: O_CLOEXEC, O_NONBLOCK.
int anon_inode_getfd(const char* name, const struct file_operations* fops, void* data, int flags);
