// SPDX-License-Identifier: GPL-2.0-only
#pragma once

struct signal_struct;

/// The process is gone; so are its timers.
void exit_itimers(struct signal_struct* signal);
