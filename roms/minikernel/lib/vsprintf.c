// SPDX-License-Identifier: GPL-2.0-only
#include "lib/vsprintf.h"

#include "kernel/kallsyms.h"
#include "lib/string.h"

struct output {
    char* buf;
    size_t size, length;
};

struct spec {
    bool left, zero;
    int width, precision;  // precision -1: none given
};

static void put(struct output* out, char c) {
    if (out->length + 1 < out->size) {
        out->buf[out->length] = c;
    }
    out->length++;
}

static void put_padded(struct output* out, const char* text, int length, const struct spec* spec) {
    int pad = spec->width - length;
    if (!spec->left) {
        while (pad-- > 0) {
            put(out, ' ');
        }
    }
    for (int i = 0; i < length; i++) {
        put(out, text[i]);
    }
    while (pad-- > 0) {
        put(out, ' ');
    }
}

static void put_string(struct output* out, const char* s, const struct spec* spec) {
    if (s == NULL) {
        s = "(null)";
    }
    int length = 0;
    while (s[length] != '\0' && (spec->precision < 0 || length < spec->precision)) {
        length++;
    }
    put_padded(out, s, length, spec);
}

static void put_number(struct output* out, u64 value, unsigned int base, bool negative,
                       const struct spec* spec) {
    char digits[24];
    int at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    int used = (int)sizeof(digits) - at + negative;
    if (spec->zero && !spec->left) {
        if (negative) {
            put(out, '-');
        }
        for (int i = used; i < spec->width; i++) {
            put(out, '0');
        }
        const struct spec plain = {.precision = -1};
        put_padded(out, digits + at, (int)sizeof(digits) - at, &plain);
        return;
    }
    if (negative) {
        digits[--at] = '-';
    }
    put_padded(out, digits + at, (int)sizeof(digits) - at, spec);
}

static void put_pointer(struct output* out, unsigned long value, char kind, struct spec* spec) {
    if (kind == 'S' || kind == 'B') {
        char symbol[KSYM_SYMBOL_LEN];
        sprint_symbol(symbol, value, kind == 'B');
        put_string(out, symbol, spec);
        return;
    }
    spec->zero = true;
    spec->width = 16;
    put_number(out, value, 16, false, spec);
}

static s64 signed_argument(int longs, va_list* args) {
    return longs > 0 ? va_arg(*args, long) : va_arg(*args, int);
}

static u64 unsigned_argument(int longs, va_list* args) {
    return longs > 0 ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int);
}

static const char* parse_spec(const char* fmt, struct spec* spec, va_list* args) {
    *spec = (struct spec){.precision = -1};
    for (;; fmt++) {
        if (*fmt == '-') {
            spec->left = true;
        } else if (*fmt == '0') {
            spec->zero = true;
        } else {
            break;
        }
    }
    while (*fmt >= '0' && *fmt <= '9') {
        spec->width = spec->width * 10 + (*fmt++ - '0');
    }
    if (*fmt == '.') {
        fmt++;
        spec->precision = 0;
        if (*fmt == '*') {
            fmt++;
            spec->precision = va_arg(*args, int);
        }
        while (*fmt >= '0' && *fmt <= '9') {
            spec->precision = spec->precision * 10 + (*fmt++ - '0');
        }
    }
    return fmt;
}

int vsnprintf(char* buf, size_t size, const char* fmt, va_list arguments) {
    struct output out = {buf, size, 0};
    va_list args;
    va_copy(args, arguments);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            put(&out, *fmt++);
            continue;
        }
        struct spec spec;
        fmt = parse_spec(fmt + 1, &spec, &args);
        int longs = 0;
        while (*fmt == 'l' || *fmt == 'z') {
            longs++;
            fmt++;
        }
        char kind = *fmt;
        if (kind == '\0') {
            break;
        }
        fmt++;
        if (kind == 'd' || kind == 'i') {
            s64 value = signed_argument(longs, &args);
            put_number(&out, value < 0 ? -(u64)value : (u64)value, 10, value < 0, &spec);
        } else if (kind == 'u' || kind == 'x') {
            put_number(&out, unsigned_argument(longs, &args), kind == 'u' ? 10 : 16, false, &spec);
        } else if (kind == 'p') {
            char pointer_kind = *fmt == 'S' || *fmt == 'B' ? *fmt++ : 'p';
            put_pointer(&out, (unsigned long)va_arg(args, void*), pointer_kind, &spec);
        } else if (kind == 's') {
            put_string(&out, va_arg(args, const char*), &spec);
        } else if (kind == 'c') {
            char c = (char)va_arg(args, int);
            put_padded(&out, &c, 1, &spec);
        } else {
            put(&out, kind);
        }
    }
    va_end(args);
    if (size > 0) {
        buf[out.length < size ? out.length : size - 1] = '\0';
    }
    return (int)out.length;
}

int snprintf(char* buf, size_t size, const char* fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(buf, size, fmt, args);
    va_end(args);
    return length;
}
