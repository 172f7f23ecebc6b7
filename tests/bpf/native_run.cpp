// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bpf/native_run.hpp"

#include <cstring>

#include <sys/mman.h>

#include "base/address.hpp"
#include "base/check.hpp"

namespace trapgate::bpf::test {

namespace {

/// movabs rax, target; jmp rax: helpers lie further than a rel32 reaches.
constexpr std::size_t kThunkBytes = 12;

void write_thunk(std::byte* at, NativeHelper target) {
    const auto va = reinterpret_cast<std::uint64_t>(target);
    const std::uint8_t head[] = {0x48, 0xb8};
    const std::uint8_t tail[] = {0xff, 0xe0};
    std::memcpy(at, head, 2);
    std::memcpy(at + 2, &va, 8);
    std::memcpy(at + 10, tail, 2);
}

}  // namespace

VerifiedProgram unverified(std::vector<Insn> insns) {
    VerifiedProgram program;
    program.insns = std::move(insns);
    program.stack_bytes = kMaxStackBytes;
    program.reads_uninit_stack = true;
    program.call_map.assign(program.insns.size(), -1);
    return program;
}

Result<std::uint64_t> run_native(const VerifiedProgram& program, std::span<const JitMap> maps,
                                 const NativeHelpers& helpers, std::uint64_t r1, std::uint64_t r2) {
    const std::size_t thunks = helpers.size() * kThunkBytes;
    const std::size_t room = page_align_up(thunks + program.insns.size() * 128 + kPageBytes);
    void* const memory = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                              -1, 0);
    TG_CHECK(memory != MAP_FAILED, "no memory for a test program");
    auto* const base = static_cast<std::byte*>(memory);

    std::map<std::uint32_t, std::uint64_t> thunk_va;
    std::byte* next = base;
    for (const auto& [id, target] : helpers) {
        write_thunk(next, target);
        thunk_va[id] = reinterpret_cast<std::uint64_t>(next);
        next += kThunkBytes;
    }
    const JitInput input{program, maps, reinterpret_cast<std::uint64_t>(next),
                         [&](std::uint32_t id) {
                             const auto found = thunk_va.find(id);
                             return found == thunk_va.end() ? std::uint64_t{0} : found->second;
                         }};
    Result<JitImage> image = jit_encode(input);
    if (!image) {
        munmap(memory, room);
        return tl::unexpected(image.error());
    }
    TG_CHECK(image->code.size() + thunks <= room, "room for the code");
    std::memcpy(next, image->code.data(), image->code.size());
    TG_CHECK(mprotect(memory, room, PROT_READ | PROT_EXEC) == 0, "executable memory");
    const auto function = reinterpret_cast<std::uint64_t (*)(std::uint64_t, std::uint64_t)>(next);
    const std::uint64_t r0 = function(r1, r2);
    munmap(memory, room);
    return r0;
}

}  // namespace trapgate::bpf::test
