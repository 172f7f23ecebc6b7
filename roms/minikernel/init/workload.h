// SPDX-License-Identifier: GPL-2.0-only
#pragma once

/// Runs the workload of README.md and says how many of its checks failed.
int run_workload(unsigned int tasks, unsigned int loops);
