// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events/record.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "bpf/runtime/guest_strings.hpp"
#include "kernel/events/numbers.hpp"

namespace trapgate::kernel {
namespace {

using Kind = FetchSource::Kind;

constexpr std::uint64_t kThreadBytes = 16384;  // THREAD_SIZE: a kernel stack, aligned to its size
constexpr std::size_t kWord = 8;
constexpr std::size_t kMaxOffset = 0xffff;  // of a data_loc

std::uint64_t register_value(const bpf::PtRegs& regs, std::uint64_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, reinterpret_cast<const std::byte*>(&regs) + offset, sizeof(value));
    return value;
}

// Below the kernel is the user's memory; between the two lies nothing.
bool may_read(std::uint64_t va, bool user) {
    return va < bpf::kUserEnd || (!user && bpf::is_kernel_address(va));
}

bool read_memory(const GuestReader& memory, std::uint64_t va, bool user, std::span<std::byte> to) {
    return may_read(va, user) && memory.read(GuestVa{va}, to);
}

std::optional<std::uint64_t> read_word(const GuestReader& memory, std::uint64_t va, bool user) {
    std::uint64_t value = 0;
    return read_memory(memory, va, user, std::as_writable_bytes(std::span(&value, 1)))
               ? std::optional(value)
               : std::nullopt;
}

// Up to the NUL, which is not part of it; cut where Linux cuts.
std::optional<std::string> read_string(const GuestReader& memory, std::uint64_t va, bool user) {
    std::string out;
    while (out.size() < kMaxString - 1) {
        const std::uint64_t at = va + out.size();
        const std::uint64_t rest_of_page = kPageBytes - at % kPageBytes;
        std::string chunk(std::min<std::uint64_t>(rest_of_page, kMaxString - 1 - out.size()), '\0');
        if (!read_memory(memory, at, user, std::as_writable_bytes(std::span(chunk)))) {
            return std::nullopt;
        }
        const std::size_t end = chunk.find('\0');
        out.append(chunk, 0, end);
        if (end != std::string::npos) {
            break;
        }
    }
    return out;
}

// A word of the kernel stack; 0 beyond its end.
std::uint64_t stack_word(const bpf::PtRegs& regs, const GuestReader& memory, std::uint64_t index) {
    const std::uint64_t at = regs.sp + index * kWord;
    const bool inside = (at & ~(kThreadBytes - 1)) == (regs.sp & ~(kThreadBytes - 1));
    return inside ? read_word(memory, at, false).value_or(0) : 0;
}

std::uint64_t apply_bits(std::uint64_t value, const FetchBits& bits) {
    const std::uint64_t mask = bits.width == 64 ? ~0ULL : (1ULL << bits.width) - 1;
    return (value >> bits.offset) & mask;
}

/// Fills one record.
class Filler {
public:
    Filler(const ProbeDefinition& definition, const HitView& hit)
        : hit_(hit), head_(head_bytes(definition.on_return)) {
        record_.bytes.resize(head_ + definition.args_bytes());
    }

    void store(std::size_t offset, std::uint64_t value, std::size_t size) {
        std::memcpy(record_.bytes.data() + offset, &value, size);
    }

    void fetch(const FetchArg& arg) {
        const std::optional<std::uint64_t> start = source(arg);
        const std::size_t at = head_ + arg.offset;
        for (unsigned i = 0; i < std::max(arg.count, 1U); ++i) {
            const std::size_t element = at + i * std::size_t{arg.type->bytes};
            if (arg.type->is_string()) {
                store_string(element, start ? text_of(arg, *start, i) : std::nullopt);
            } else {
                store_number(element, arg, start ? number_of(arg, *start, i) : std::nullopt);
            }
        }
    }

    [[nodiscard]] EventRecord take() { return std::move(record_); }

private:
    [[nodiscard]] std::optional<std::uint64_t> source(const FetchArg& arg) const {
        const FetchSource& from = arg.source;
        switch (from.kind) {
            case Kind::Register: return register_value(hit_.regs, from.number);
            case Kind::Stack: return stack_word(hit_.regs, hit_.memory, from.number);
            case Kind::StackPointer: return hit_.regs.sp;
            case Kind::ReturnValue: return hit_.regs.ax;
            case Kind::Immediate: return from.number;
            case Kind::Argument: return argument_value(hit_.regs, hit_.memory, from.number);
            case Kind::EntryArgument:
                return from.number < hit_.entry_values.size()
                           ? std::optional(hit_.entry_values[from.number])
                           : std::nullopt;
            case Kind::Symbol: return symbol(from.text);
            case Kind::String:
            case Kind::Comm: return 0;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::uint64_t> symbol(const std::string& text) const {
        const std::size_t sign = text.find_first_of("+-");
        const std::int64_t offset = sign == std::string::npos
                                        ? 0
                                        : parse_signed(text.substr(sign)).value_or(0);
        const auto address = hit_.symbol_address(text.substr(0, sign));
        return address ? std::optional(*address + static_cast<std::uint64_t>(offset))
                       : std::nullopt;
    }

    // `start` with the first `count` pointers followed.
    [[nodiscard]] std::optional<std::uint64_t> follow(const FetchArg& arg, std::uint64_t start,
                                                      std::size_t count) const {
        std::uint64_t value = start;
        for (std::size_t i = 0; i < count; ++i) {
            const FetchDeref& deref = arg.derefs[i];
            const auto next = read_word(
                hit_.memory, value + static_cast<std::uint64_t>(deref.offset), deref.user);
            if (!next) {
                return std::nullopt;
            }
            value = *next;
        }
        return value;
    }

    // Where the last pointer points: at the value, or at an array's first element.
    [[nodiscard]] std::optional<std::uint64_t> last_address(const FetchArg& arg,
                                                            std::uint64_t start) const {
        const auto base = follow(arg, start, arg.derefs.size() - 1);
        return base ? std::optional(*base + static_cast<std::uint64_t>(arg.derefs.back().offset))
                    : std::nullopt;
    }

    [[nodiscard]] std::optional<std::uint64_t> number_of(const FetchArg& arg, std::uint64_t start,
                                                         unsigned index) const {
        if (arg.derefs.empty()) {
            return start;
        }
        const auto address = last_address(arg, start);
        std::uint64_t value = 0;
        const bool there = address &&
                           read_memory(
                               hit_.memory, *address + index * std::uint64_t{arg.type->bytes},
                               arg.derefs.back().user,
                               std::as_writable_bytes(std::span(&value, 1)).first(arg.type->bytes));
        return there ? std::optional(value) : std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> text_of(const FetchArg& arg, std::uint64_t start,
                                                     unsigned index) const {
        if (arg.type->string == FetchString::Symbol) {
            const auto address = follow(arg, start, arg.derefs.size());
            return address ? std::optional(hit_.symbol_text(*address)) : std::nullopt;
        }
        if (arg.source.kind == Kind::Comm || arg.source.kind == Kind::String) {
            return arg.source.kind == Kind::Comm ? hit_.comm : arg.source.text;
        }
        const bool user = arg.type->string == FetchString::User ||
                          (!arg.derefs.empty() && arg.derefs.back().user);
        auto address = arg.derefs.empty() ? std::optional(start) : last_address(arg, start);
        if (arg.count != 0 && address) {
            address = read_word(hit_.memory, *address + index * kWord, user);
        }
        return address ? read_string(hit_.memory, *address, user) : std::nullopt;
    }

    void store_number(std::size_t at, const FetchArg& arg, std::optional<std::uint64_t> value) {
        if (!value) {
            record_.faults.push_back(at);
            return;
        }
        store(at, arg.bits ? apply_bits(*value, *arg.bits) : *value, arg.type->bytes);
    }

    void store_string(std::size_t at, const std::optional<std::string>& text) {
        const std::size_t begin = record_.bytes.size();
        if (!text || begin >= kMaxOffset) {
            record_.faults.push_back(at);
            store(at, std::min(begin, kMaxOffset), 4);  // No bytes, as Linux marks a fault.
            return;
        }
        const std::size_t length = std::min(text->size(), kMaxOffset - begin);
        record_.bytes.resize(begin + length + 1);
        std::memcpy(record_.bytes.data() + begin, text->data(), length);
        store(at, (length + 1) << 16 | begin, 4);
    }

    const HitView& hit_;
    std::size_t head_;
    EventRecord record_;
};

}  // namespace

bool EventRecord::faulted(std::size_t offset) const {
    return std::ranges::find(faults, offset) != faults.end();
}

std::uint64_t EventRecord::number(std::size_t offset, std::size_t size) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + offset, size);
    return value;
}

std::string_view EventRecord::string(std::size_t offset) const {
    const std::uint64_t location = number(offset, 4);
    const std::uint64_t length = location >> 16;
    const auto* const text = reinterpret_cast<const char*>(bytes.data()) + (location & 0xffff);
    return length == 0 ? std::string_view() : std::string_view(text, length - 1);
}

std::uint64_t argument_value(const bpf::PtRegs& regs, const GuestReader& memory,
                             std::uint64_t index) {
    const std::array in_registers{regs.di, regs.si, regs.dx, regs.cx, regs.r8, regs.r9};
    // Behind the return address come the ones that registers do not hold.
    return index < in_registers.size() ? in_registers.at(index)
                                       : stack_word(regs, memory, index - in_registers.size() + 1);
}

EventRecord make_record(const ProbeDefinition& definition, const RecordHead& head,
                        const HitView& hit) {
    Filler filler(definition, hit);
    filler.store(0, head.type, 2);
    filler.store(2, head.flags, 1);
    filler.store(3, head.preempt_count, 1);
    filler.store(4, static_cast<std::uint32_t>(head.pid), 4);
    filler.store(8, head.ip, 8);
    if (definition.on_return) {
        filler.store(16, head.ret_ip, 8);
    }
    for (const FetchArg& arg : definition.args) {
        filler.fetch(arg);
    }
    return filler.take();
}

}  // namespace trapgate::kernel
