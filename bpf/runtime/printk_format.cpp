// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/printk_format.hpp"

#include <cerrno>
#include <string>

#include <fmt/format.h>

namespace trapgate::bpf {
namespace {

constexpr std::size_t kMaxString = 512;   // MAX_BPRINTF_BIN_ARGS
constexpr std::size_t kMaxOutput = 1024;  // MAX_BPRINTF_BUF
constexpr std::size_t kMaxWidth = kMaxOutput;

// The kernel's ctype for ASCII, free of the host's locale.
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_print(char c) { return c >= ' ' && c <= '~'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_punct(char c) { return is_print(c) && c != ' ' && !is_alnum(c); }
bool ends_conversion(char c) { return c == '\0' || is_space(c) || is_punct(c); }

struct Field {
    bool left = false, zero = false, plus = false, space = false;
    std::size_t width = 0;
};

/// One pass over a format. Every conversion either appends its text or sets failed().
class Formatter {
public:
    Formatter(std::string_view format, std::span<const std::uint64_t> args,
              const PrintkSource& source)
        : format_(format), args_(args), source_(source) {}

    bool run() {
        while (at_ < format_.size()) {
            const char c = format_[at_];
            if (is_ascii(c) && !is_print(c) && !is_space(c)) {
                return false;
            }
            ++at_;
            if (c != '%') {
                out_ += c;
            } else if (peek() == '%') {
                out_ += '%';
                ++at_;
            } else if (used_ >= args_.size() || !conversion()) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] std::string& out() { return out_; }

private:
    /// NUL behind the end, as in C.
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < format_.size() ? format_[at_ + ahead] : '\0';
    }

    Field field() {
        Field out;
        for (;; ++at_) {
            switch (peek()) {
                case '0': out.zero = true; continue;
                case '+': out.plus = true; continue;
                case '-': out.left = true; continue;
                case ' ': out.space = true; continue;
                default: break;
            }
            break;
        }
        for (; is_digit(peek()); ++at_) {
            out.width = std::min(kMaxWidth,
                                 out.width * 10 + static_cast<std::size_t>(peek() - '0'));
        }
        return out;
    }

    void pad(const Field& field, std::string_view text) {
        const std::size_t fill = field.width > text.size() ? field.width - text.size() : 0;
        out_ += field.left ? fmt::format("{}{:{}}", text, "", fill)
                           : fmt::format("{:{}}{}", "", fill, text);
    }

    void number(const Field& field, std::string_view sign, const std::string& digits) {
        const std::size_t length = sign.size() + digits.size();
        if (field.zero && !field.left && field.width > length) {
            out_ += sign;
            out_.append(field.width - length, '0');
            out_ += digits;
        } else {
            pad(field, fmt::format("{}{}", sign, digits));
        }
    }

    bool conversion() {
        const Field how = field();
        const std::uint64_t value = args_[used_++];
        switch (peek()) {
            case 'p': ++at_; return pointer(how, value);
            case 's': ++at_; return string(how, value);
            case 'c':
                ++at_;
                pad(how, std::string(1, static_cast<char>(value)));
                return true;
            default: return integer(how, value);
        }
    }

    bool integer(const Field& how, std::uint64_t value) {
        unsigned longs = 0;
        while (longs < 2 && peek() == 'l') {
            ++longs;
            ++at_;
        }
        const bool wide = longs != 0;
        const std::uint64_t unsigned_value = wide ? value : static_cast<std::uint32_t>(value);
        const char kind = peek();
        ++at_;
        switch (kind) {
            case 'd':
            case 'i': {
                const std::int64_t number_value = wide ? static_cast<std::int64_t>(value)
                                                       : static_cast<std::int32_t>(value);
                const std::uint64_t magnitude = number_value < 0
                                                    ? 0 - static_cast<std::uint64_t>(number_value)
                                                    : static_cast<std::uint64_t>(number_value);
                const char* sign = how.plus ? "+" : (how.space ? " " : "");
                number(how, number_value < 0 ? "-" : sign, fmt::format("{}", magnitude));
                return true;
            }
            case 'u': number(how, "", fmt::format("{}", unsigned_value)); return true;
            case 'x': number(how, "", fmt::format("{:x}", unsigned_value)); return true;
            case 'X': number(how, "", fmt::format("{:X}", unsigned_value)); return true;
            default: return false;
        }
    }

    bool string(const Field& how, std::uint64_t value) {
        if (!ends_conversion(peek())) {
            return false;
        }
        pad(how, source_.string_at(GuestVa{value}, kMaxString).value_or(""));
        return true;
    }

    bool pointer(const Field& how, std::uint64_t value) {
        const char kind = peek();
        if (ends_conversion(kind)) {
            pad(how, fmt::format("{:016x}", value));
            return true;
        }
        if ((kind == 'k' || kind == 'u') && peek(1) == 's') {
            at_ += 2;
            return string(how, value);
        }
        ++at_;
        switch (kind) {
            case 'K':
            case 'x': pad(how, fmt::format("{:016x}", value)); return true;
            case 'S':
            case 'B': pad(how, source_.symbol(GuestVa{value})); return true;
            case 's': {
                const std::string name = source_.symbol(GuestVa{value});
                pad(how, name.substr(0, name.find('+')));
                return true;
            }
            case 'i':
            case 'I': return ip_address(how, kind, value);
            default: return false;
        }
    }

    bool ip_address(const Field& how, char kind, std::uint64_t value) {
        const char family = peek();
        if (family != '4' && family != '6') {
            return false;
        }
        ++at_;
        const std::size_t bytes = family == '4' ? 4 : 16;
        const std::string raw = source_.bytes_at(GuestVa{value}, bytes)
                                    .value_or(std::string(bytes, '\0'));
        std::string text;
        for (std::size_t i = 0; i < bytes; ++i) {
            const unsigned byte = static_cast<unsigned char>(raw[i]);
            if (family == '4') {
                text += fmt::format(fmt::runtime(kind == 'i' ? "{}{:03}" : "{}{}"),
                                    i == 0 ? "" : ".", byte);
            } else {
                text += fmt::format("{}{:02x}", kind == 'I' && i != 0 && i % 2 == 0 ? ":" : "",
                                    byte);
            }
        }
        pad(how, text);
        return true;
    }

    std::string_view format_;
    std::span<const std::uint64_t> args_;
    const PrintkSource& source_;
    std::size_t at_ = 0;
    std::size_t used_ = 0;
    std::string out_;
};

}  // namespace

int format_printk(std::string_view format, std::span<const std::uint64_t> args,
                  const PrintkSource& source, std::string& out) {
    const std::size_t end = format.find('\0');
    if (end == std::string_view::npos) {
        return -EINVAL;
    }
    Formatter formatter(format.substr(0, end), args, source);
    if (!formatter.run()) {
        return -EINVAL;
    }
    out = std::move(formatter.out());
    const auto length = static_cast<int>(out.size());
    out.resize(std::min(out.size(), kMaxOutput - 1));
    return length;
}

}  // namespace trapgate::bpf
