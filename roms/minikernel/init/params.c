// SPDX-License-Identifier: GPL-2.0-only
#include "init/params.h"

#include "arch/processor.h"
#include "arch/reboot.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "lib/string.h"

struct params params = {.tasks = 3, .loops = 8};

static void do_panic(void) { panic("init: asked for by the command line"); }

static void do_oops(void) {
    int* volatile bad_pointer = (int*)8;  // volatile, or gcc would see through it
    *bad_pointer = 1;
}

static int overflow_stack(volatile int depth) {
    return depth == 0 ? 0 : overflow_stack(depth + 1) + 1;
}

static void do_stack_overflow(void) { overflow_stack(1); }

static void do_spin(void) {
    local_irq_disable();
    for (;;) {
    }
}

static const struct ending {
    const char* word;
    void (*function)(void);
} endings[] = {
    {"panic", do_panic},         {"oops", do_oops},       {"stackoverflow", do_stack_overflow},
    {"spin", do_spin},           {"halt", stop_this_cpu}, {"triplefault", triple_fault},
    {"reboot", machine_restart},
};

void run_ending(const char* word) {
    for (unsigned int i = 0; i < ARRAY_SIZE(endings); i++) {
        if (strcmp(endings[i].word, word) == 0) {
            endings[i].function();
        }
    }
}

static bool parse_ending(const char* word) {
    for (unsigned int i = 0; i < ARRAY_SIZE(endings); i++) {
        if (strcmp(endings[i].word, word) == 0) {
            params.ending = endings[i].word;
            return true;
        }
    }
    return false;
}

static unsigned int loglevel;  // parse_early_param has taken it

static const struct number {
    const char* name;
    unsigned int *value, least, most;
} numbers[] = {
    {"tasks", &params.tasks, 1, 64},       {"loops", &params.loops, 0, 1000000},
    {"exit", &params.exit_status, 0, 254}, {"hz", &tick_hz, 19, 10000},
    {"loglevel", &loglevel, 0, 15},
};

void parse_early_param(const char* command_line) {
    for (const char* at = command_line; *at != '\0'; at++) {
        if (at != command_line && at[-1] != ' ') {
            continue;
        }
        if (strncmp(at, "loglevel=", 9) == 0) {
            console_loglevel = at[9] - '0';
        } else if (strncmp(at, "quiet", 5) == 0) {
            console_loglevel = 4;
        }
    }
}

// Words of Linux that have nothing to say here.
static bool is_known(const char* word) {
    return strncmp(word, "console=", 8) == 0 || strncmp(word, "panic=", 6) == 0 ||
           strcmp(word, "quiet") == 0;
}

static bool parse_number(char* word) {
    char* value = strchr(word, '=');
    if (value == NULL) {
        return false;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
        const struct number* n = &numbers[i];
        if (strlen(n->name) != (size_t)(value - word) ||
            strncmp(n->name, word, strlen(n->name)) != 0) {
            continue;
        }
        unsigned int parsed;
        if (kstrtouint(value + 1, &parsed) != 0 || parsed < n->least || parsed > n->most) {
            printk("parse_args: %s: not a number from %u to %u, ignored\n", word, n->least,
                   n->most);
        } else {
            *n->value = parsed;
        }
        return true;
    }
    return false;
}

void parse_args(char* command_line) {
    while (*command_line != '\0') {
        char* word = command_line;
        while (*command_line != '\0' && *command_line != ' ') {
            command_line++;
        }
        if (*command_line == ' ') {
            *command_line++ = '\0';
        }
        if (*word != '\0' && !is_known(word) && !parse_number(word) && !parse_ending(word)) {
            printk("Unknown kernel command line parameter \"%s\"\n", word);
        }
    }
}
