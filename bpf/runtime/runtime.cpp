// SPDX-License-Identifier: GPL-2.0-only
// How a program runs, all of it inside trap handlers:
//
//   run():  save the CPU, context and stack in window data, RAX = program, RIP = trampoline
//   guest:  trampoline: call *%rax; int3        helper stub: int3; ret
//   host:   helper trap: arguments from RDI RSI RDX RCX R8, result to RAX, RIP += 1
//           end trap:    R0 from RAX, restore the CPU, done(R0)
#include "bpf/runtime/runtime.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <linux/bpf.h>

#include <fmt/format.h>

#include "base/check.hpp"
#include "bpf/helpers.hpp"
#include "bpf/maps/array.hpp"

namespace trapgate::bpf {
namespace {

using cpu::Gpr;

constexpr std::array<std::uint8_t, 3> kTrampoline{0xff, 0xd0, 0xcc};  // call *%rax; int3
constexpr std::uint64_t kEndTrapOffset = 2;
constexpr std::array<std::uint8_t, 2> kHelperStub{0xcc, 0xc3};  // int3; ret

/// Eight frames of 512 bytes at most (the verifier's limit), what the encoder saves between them,
/// and the context.
constexpr std::uint64_t kStackBytes = 16384;
constexpr std::uint64_t kMaxTestContext = 65536;
constexpr std::uint64_t kStackAlignment = 16;

}  // namespace

struct GuestRuntime::Run {
    std::shared_ptr<GuestProgram> program;
    emu::CoreState saved;
    Done done;
    bool test = false;  ///< Of test_run, which reports a fault itself.
};

GuestRuntime::GuestRuntime(emu::Machine& machine)
    : machine_(machine),
      storage_(machine),
      fault_handler_(machine.add_window_fault_handler(
          [this](const emu::ExceptionEvent&) { return on_fault(); })) {}

Result<void> GuestRuntime::set_up() {
    if (trampoline_.bytes != 0) {
        return {};
    }
    if (stack_.bytes == 0) {
        const Result<emu::WindowBlock> stack = machine_.window().allocate_data(kStackBytes);
        if (!stack) {
            return tl::unexpected(stack.error());
        }
        stack_ = *stack;
    }
    const Result<emu::WindowBlock> trampoline = place_text(kTrampoline);
    if (!trampoline) {
        return tl::unexpected(trampoline.error());
    }
    trampoline_ = *trampoline;
    machine_.add_window_trap(trampoline_.va + kEndTrapOffset,
                             [this](emu::Machine&) { on_program_end(); });
    return {};
}

GuestRuntime::~GuestRuntime() {
    machine_.remove_window_fault_handler(fault_handler_);
    emu::ProbeWindow& window = machine_.window();
    for (const auto& [id, stub] : stubs_) {
        machine_.remove_window_trap(stub.va);
        window.free_text(stub);
    }
    if (trampoline_.bytes != 0) {
        machine_.remove_window_trap(trampoline_.va + kEndTrapOffset);
        window.free_text(trampoline_);
    }
    if (stack_.bytes != 0) {
        window.free_data(stack_);
    }
}

bool GuestRuntime::busy() const { return run_ != nullptr; }

// --- Loading
// ----------------------------------------------------------------------------------------

Result<emu::WindowBlock> GuestRuntime::place_text(std::span<const std::uint8_t> code) {
    Result<emu::WindowBlock> text = machine_.window().allocate_text(code.size());
    if (!text) {
        return text;
    }
    if (Result<void> mapped = machine_.map_window(); !mapped) {
        machine_.window().free_text(*text);
        return tl::unexpected(mapped.error());
    }
    machine_.write_text(*text, 0, std::as_bytes(code));
    return text;
}

Result<GuestVa> GuestRuntime::helper_stub(std::uint32_t helper_id) {
    if (const auto known = stubs_.find(helper_id); known != stubs_.end()) {
        return known->second.va;
    }
    const HelperBody body = find_helper_body(helper_id);
    if (body == nullptr) {
        return fail("this helper is not available", std::string(helper_name(helper_id)));
    }
    return place_text(kHelperStub).map([&](const emu::WindowBlock& stub) {
        stubs_[helper_id] = stub;
        machine_.add_window_trap(
            stub.va, [this, body, at = stub.va](emu::Machine&) { on_helper(body, at); });
        return stub.va;
    });
}

JitMap GuestRuntime::describe_map(const std::shared_ptr<Map>& map) {
    const MapSpec& spec = map->spec();
    JitMap out;
    out.handle = helper_state_.maps.handle_of(map);
    out.type = spec.type;
    out.value_size = spec.value_size;
    out.max_entries = spec.max_entries;
    if (const auto* array = dynamic_cast<const ArrayMap*>(map.get())) {
        out.value_va = array->shared()->guest_va;
        out.value_stride = array->stride();
    }
    return out;
}

Result<std::shared_ptr<GuestProgram>> GuestRuntime::load(const VerifiedProgram& program,
                                                         std::vector<std::shared_ptr<Map>> maps,
                                                         std::string name) {
    // Not before there is something to run: a guest without programs has page tables of its own
    // making.
    if (Result<void> done = set_up(); !done) {
        return tl::unexpected(done.error());
    }
    std::map<std::uint32_t, GuestVa> helpers;
    for (std::size_t i = 0; i < program.insns.size(); i += program.insns[i].slots()) {
        const Insn& insn = program.insns[i];
        if (insn.is_helper_call()) {
            const auto id = static_cast<std::uint32_t>(insn.imm);
            const Result<GuestVa> stub = helper_stub(id);
            if (!stub) {
                return tl::unexpected(stub.error());
            }
            helpers[id] = *stub;
        }
    }
    std::vector<JitMap> jit_maps;
    std::ranges::transform(maps, std::back_inserter(jit_maps),
                           [this](const std::shared_ptr<Map>& map) { return describe_map(map); });
    JitInput input{.program = program,
                   .maps = jit_maps,
                   .base_va = emu::kWindowTextVa.value,
                   .helper_va = [&](std::uint32_t id) { return helpers.at(id).value; }};
    const Result<JitImage> draft = jit_encode(input);
    if (!draft) {
        return tl::unexpected(draft.error());
    }
    const Result<emu::WindowBlock> text = place_text(draft->code);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto out = std::make_shared<GuestProgram>(machine_.window(), *text);
    input.base_va = text->va.value;
    Result<JitImage> image = jit_encode(input);
    TG_CHECK(image && image->code.size() == draft->code.size(), "code size depends on its address");
    machine_.write_text(*text, 0, std::as_bytes(std::span(image->code)));
    out->name_ = std::move(name);
    out->prog_type_ = program.prog_type;
    out->image_ = std::move(*image);
    out->insns_ = program.insns;
    out->maps_ = std::move(maps);
    return out;
}

// --- Running
// ----------------------------------------------------------------------------------------

void GuestRuntime::start(std::shared_ptr<GuestProgram> program, std::uint64_t r1, std::uint64_t r2,
                         Done done) {
    TG_CHECK(!busy(), "programs do not nest");
    emu::Cpu& cpu = machine_.cpu();
    run_ = std::make_unique<Run>(
        Run{.program = std::move(program), .saved = cpu.save_core(), .done = std::move(done)});
    const GuestVa stack_top = stack_.va +
                              ((stack_.bytes - sizeof(PtRegs)) & ~(kStackAlignment - 1));
    cpu.enter_detour(trampoline_.va, stack_top);
    cpu.set_gpr(Gpr::Rax, run_->program->entry().value);
    cpu.set_gpr(Gpr::Rdi, r1);
    cpu.set_gpr(Gpr::Rsi, r2);
}

void GuestRuntime::run(std::shared_ptr<GuestProgram> program, const PtRegs& regs, Done done) {
    const std::uint64_t offset = (stack_.bytes - sizeof regs) & ~(kStackAlignment - 1);
    std::memcpy(stack_.host + offset, &regs, sizeof regs);
    start(std::move(program), stack_.va.value + offset, 0, std::move(done));
}

void GuestRuntime::on_program_end() {
    if (!busy()) {
        return;  // The guest has jumped here by itself: it spins, until a limit ends it.
    }
    emu::Cpu& cpu = machine_.cpu();
    const std::unique_ptr<Run> ended = std::move(run_);
    const std::uint64_t r0 = cpu.gpr(Gpr::Rax);
    cpu.restore_core(ended->saved);
    ++ended->program->runs_;
    ended->done(r0);
}

bool GuestRuntime::on_fault() {
    if (!busy() || run_->test) {
        return false;
    }
    const std::unique_ptr<Run> ended = std::move(run_);
    machine_.cpu().restore_core(ended->saved);
    ++ended->program->faults_;
    ended->done(0);
    return true;
}

void GuestRuntime::on_helper(HelperBody body, GuestVa stub) {
    emu::Cpu& cpu = machine_.cpu();
    std::uint64_t result = helper_error(EINVAL);
    if (busy()) {
        HelperCall call{machine_,
                        *run_->program,
                        helper_state_,
                        {cpu.gpr(Gpr::Rdi), cpu.gpr(Gpr::Rsi), cpu.gpr(Gpr::Rdx), cpu.gpr(Gpr::Rcx),
                         cpu.gpr(Gpr::R8)}};
        result = body(call);
    }
    cpu.set_gpr(Gpr::Rax, result);
    cpu.set_rip(stub + 1);
}

Result<GuestRuntime::TestRun> GuestRuntime::test_run(const std::shared_ptr<GuestProgram>& program,
                                                     std::span<const std::byte> context,
                                                     std::uint64_t max_instructions) {
    if (busy()) {
        return fail_errno(EBUSY, "a program is on its way on this CPU");
    }
    if (context.size() > kMaxTestContext) {
        return fail_errno(E2BIG, "the context is larger than 64 KiB");
    }
    StorageBlock block;
    if (!context.empty()) {
        const Result<StorageBlock> made = storage_.allocate(context.size(), 0);
        if (!made) {
            return tl::unexpected(made.error());
        }
        block = *made;
        std::memcpy(block.host, context.data(), context.size());
    }
    const emu::CoreState before = machine_.cpu().save_core();
    const std::uint64_t instructions = machine_.cpu().instructions();
    const Cycles started = machine_.now();
    std::optional<TestRun> ended;
    start(program, block.guest_va, context.size(), [&](std::uint64_t r0) {
        ended = TestRun{.retval = r0,
                        .instructions = machine_.cpu().instructions() - instructions,
                        .cycles = machine_.now() - started,
                        .context = {}};
        // The machine stops at a block's start: one in the window, where no interrupt comes first.
        machine_.cpu().set_rip(trampoline_.va + kEndTrapOffset);
        machine_.request_stop();
    });
    run_->test = true;
    const emu::StopEvent stop = machine_.run({.max_instructions = instructions + max_instructions});
    if (ended) {
        ended->context.assign(block.host, block.host + context.size());
    }
    if (!context.empty()) {
        storage_.release(block);
    }
    run_.reset();
    machine_.cpu().restore_core(before);
    if (ended) {
        return *ended;
    }
    if (stop.reason == emu::StopReason::InsnLimit) {
        return fail_errno(ETIMEDOUT,
                          fmt::format("still running after {} instructions", max_instructions));
    }
    if (stop.reason == emu::StopReason::Requested) {
        return fail_errno(EINTR, "stopped before the program ended");
    }
    return fail("the program faulted", machine_.symbols().describe(stop.rip), {}, EFAULT);
}

}  // namespace trapgate::bpf
