// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Unpacks it into the root and gives its memory back.
void populate_rootfs(void);
