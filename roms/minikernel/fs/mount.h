// SPDX-License-Identifier: GPL-2.0-only
#pragma once

struct dentry;
struct seq_file;

/// The root of what is mounted on `dentry`, held; NULL.
struct dentry* get_mounted(const struct dentry* dentry);

/// A line for each tree, as /proc/mounts has it.
void show_mounts(struct seq_file* m);
