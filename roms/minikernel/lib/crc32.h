// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// CRC-32 (IEEE 802.3, reflected), without the usual inversions at start and end.
u32 crc32_le(u32 crc, const unsigned char* p, size_t len);
