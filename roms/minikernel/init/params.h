// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

/// The kernel's command line (README.md lists the words).
struct params {
    unsigned int tasks;
    unsigned int loops;
    unsigned int exit_status;
    const char* ending;  // a word of the table of endings, or NULL
};

extern struct params params;

/// Takes what concerns the first messages already.
void parse_early_param(const char* command_line);
/// Takes `command_line` apart in place. Unknown words are printed.
void parse_args(char* command_line);
/// Some words make the kernel end in a way of its own. Called once everything is up.
void run_ending(const char* word);
