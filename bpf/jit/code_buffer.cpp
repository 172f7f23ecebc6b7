// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/jit/code_buffer.hpp"

#include <limits>

namespace trapgate::bpf::jit {

namespace {

constexpr std::uint8_t kShortBytes = 2;
constexpr std::uint8_t kNearJumpBytes = 5;  // E9 rel32; also E8 rel32
constexpr std::uint8_t kNearCondBytes = 6;  // 0F 8x rel32
constexpr int kMaxRounds = 32;              // more rounds only make code smaller, never right

/// Bytes that all gaps before the n-th take.
std::vector<std::uint32_t> prefix_sums(const std::vector<std::uint8_t>& sizes) {
    std::vector<std::uint32_t> sums(sizes.size() + 1);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        sums[i + 1] = sums[i] + sizes[i];
    }
    return sums;
}

void put32(std::vector<std::uint8_t>& out, std::int64_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> shift));
    }
}

}  // namespace

void CodeBuffer::begin_function(std::uint32_t first_insn) {
    begin_insn(static_cast<std::uint32_t>(insns_ + first_insn));
}

void CodeBuffer::begin_insn(std::uint32_t index) {
    starts_[index] = {code.size(), static_cast<std::uint32_t>(gaps_.size())};
    order_.push_back(index);
}

void CodeBuffer::branch(std::uint32_t target_insn, std::optional<X64Cond> cond) {
    gaps_.push_back({Kind::Branch, code.size(), target_insn, cond});
}

void CodeBuffer::call_function(std::uint32_t first_insn) {
    gaps_.push_back({Kind::CallFunction, code.size(), insns_ + first_insn, std::nullopt});
}

void CodeBuffer::call_va(std::uint64_t target_va) {
    gaps_.push_back({Kind::CallVa, code.size(), target_va, std::nullopt});
}

std::vector<std::uint8_t> CodeBuffer::choose_sizes() const {
    std::vector<std::uint8_t> sizes(gaps_.size(), kNearJumpBytes);
    for (std::size_t i = 0; i < gaps_.size(); ++i) {
        if (gaps_[i].cond) {
            sizes[i] = kNearCondBytes;
        }
    }
    for (int round = 0; round < kMaxRounds; ++round) {
        const std::vector<std::uint32_t> sums = prefix_sums(sizes);
        bool changed = false;
        for (std::size_t i = 0; i < gaps_.size(); ++i) {
            if (gaps_[i].kind != Kind::Branch || sizes[i] == kShortBytes) {
                continue;
            }
            const Start& start = starts_[gaps_[i].target];
            const std::int64_t to = std::int64_t{start.raw_offset} + sums[start.gaps_before];
            const bool backward = start.gaps_before <= i;
            // The branch's own shrinking moves its end; its target moves along only if it lies
            // behind it.
            const std::int64_t end = std::int64_t{gaps_[i].raw_offset} + sums[i] +
                                     (backward ? kShortBytes : sizes[i]);
            if (to - end >= -128 && to - end <= 127) {
                sizes[i] = kShortBytes;
                changed = true;
            }
        }
        if (!changed) {
            break;
        }
    }
    return sizes;
}

Result<JitImage> CodeBuffer::link(std::uint64_t base_va) const {
    const std::vector<std::uint8_t> sizes = choose_sizes();
    const std::vector<std::uint32_t> sums = prefix_sums(sizes);
    const auto start_offset = [&](std::uint64_t insn) {
        return starts_[insn].raw_offset + sums[starts_[insn].gaps_before];
    };

    JitImage image;
    const std::vector<std::uint8_t>& raw = code.bytes();
    image.code.reserve(raw.size() + sums.back());
    image.lines.reserve(order_.size());
    for (const std::uint32_t start : order_) {
        const auto insn = static_cast<std::uint32_t>(start % insns_);
        const bool after_prologue = !image.lines.empty() && image.lines.back().bpf_insn == insn;
        if (!after_prologue) {
            image.lines.push_back({insn, start_offset(start)});
        }
    }

    std::size_t copied = 0;
    for (std::size_t i = 0; i < gaps_.size(); ++i) {
        const Gap& gap = gaps_[i];
        image.code.insert(image.code.end(), raw.begin() + static_cast<std::ptrdiff_t>(copied),
                          raw.begin() + static_cast<std::ptrdiff_t>(gap.raw_offset));
        copied = gap.raw_offset;
        const std::int64_t end = static_cast<std::int64_t>(image.code.size()) + sizes[i];
        std::int64_t distance = 0;
        if (gap.kind == Kind::CallVa) {
            distance = static_cast<std::int64_t>(gap.target - base_va) - end;
            const bool reaches = distance >= std::numeric_limits<std::int32_t>::min() &&
                                 distance <= std::numeric_limits<std::int32_t>::max();
            if (!reaches && base_va != 0) {
                return fail("a helper lies more than 2 GiB away from the program", {}, {}, ERANGE);
            }
        } else {
            distance = std::int64_t{start_offset(gap.target)} - end;
        }
        if (gap.kind != Kind::Branch) {
            image.code.push_back(0xe8);
            put32(image.code, distance);
        } else if (sizes[i] == kShortBytes) {
            image.code.push_back(
                gap.cond ? static_cast<std::uint8_t>(0x70U | static_cast<unsigned>(*gap.cond))
                         : std::uint8_t{0xeb});
            image.code.push_back(static_cast<std::uint8_t>(distance));
        } else {
            if (gap.cond) {
                image.code.push_back(0x0f);
                image.code.push_back(
                    static_cast<std::uint8_t>(0x80U | static_cast<unsigned>(*gap.cond)));
            } else {
                image.code.push_back(0xe9);
            }
            put32(image.code, distance);
        }
    }
    image.code.insert(image.code.end(), raw.begin() + static_cast<std::ptrdiff_t>(copied),
                      raw.end());
    return image;
}

}  // namespace trapgate::bpf::jit
