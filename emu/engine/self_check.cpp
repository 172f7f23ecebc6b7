// SPDX-License-Identifier: GPL-2.0-only
#include "emu/engine/self_check.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "cpu/page_walk.hpp"
#include "emu/engine/cpuid.hpp"
#include "emu/engine/engine.hpp"

namespace trapgate::emu {
namespace {

constexpr GuestPa kTables{0x1000};  // PML4, PDPT and PD: an identity map of 1 GiB
constexpr GuestPa kGdt{0x8000};
constexpr GuestPa kCode{0x10000};
constexpr GuestVa kElsewhere{0xa000};
constexpr GuestPa kSecondRegion{0x2000'0000};
constexpr GuestPa kDevice{0x3000'0000};
constexpr std::uint64_t kTscValue = 0x1122'3344'5566'7788;
constexpr std::uint8_t kPortValue = 0x5a;
constexpr std::uint64_t kMsrValue = 0x0102'0304'0506'0708;
constexpr std::uint8_t kTaskPriority = 7;
constexpr std::uint64_t kRandomValue = 0x1357'9bdf'0246'8ace;

/// Notes what the engine tells it.
class Witness final : public EngineHost {
public:
    bool intercept_exception(const ExceptionEvent& event) override {
        exceptions.push_back(event);
        counts.push_back(engine->instructions());
        if (event.vector == static_cast<std::uint8_t>(cpu::Vector::Debug)) {
            engine->set_rip(kElsewhere);  // Where it stood, the same would come up for ever.
        }
        engine->stop();
        return true;
    }
    void count_delivery(std::uint8_t, bool) override {}
    [[nodiscard]] bool counts_instruction(GuestVa) const override { return true; }
    void deadline_reached() override {
        counts.push_back(engine->instructions());
        engine->stop();
    }
    std::optional<std::uint8_t> acknowledge_interrupt() override { return std::nullopt; }
    std::uint32_t port_in(std::uint16_t, unsigned) override {
        counts.push_back(engine->instructions());
        return kPortValue;
    }
    void port_out(std::uint16_t, unsigned, std::uint32_t) override {
        counts.push_back(engine->instructions());
    }
    std::uint64_t device_read(GuestPa pa, unsigned) override {
        counts.push_back(engine->instructions());
        return pa.value;
    }
    void device_write(GuestPa, unsigned, std::uint64_t) override {
        counts.push_back(engine->instructions());
    }
    std::uint64_t time_stamp_counter() override {
        counts.push_back(engine->instructions());
        return kTscValue;
    }

    std::uint64_t read_msr(std::uint32_t) override { return kMsrValue; }
    bool write_msr(std::uint32_t, std::uint64_t value) override { return value == kMsrValue; }
    std::uint8_t task_priority() override { return kTaskPriority; }
    void set_task_priority(std::uint8_t value) override { task_priority_set = value; }
    std::uint64_t random() override { return kRandomValue; }
    void watchpoint_hit(const WatchHit& hit) override {
        hits.push_back(hit);
        counts.push_back(engine->instructions());
        engine->stop();
    }

    Engine* engine = nullptr;
    std::uint8_t task_priority_set = 0;
    std::vector<ExceptionEvent> exceptions;
    std::vector<WatchHit> hits;
    std::vector<std::uint64_t> counts;
};

auto broken(const std::string& what) {
    return fail("this libunicorn does not " + what, "engine self-check",
                "Trapgate needs Unicorn 2.1.4 as ./dev build fetches it", ENOTSUP);
}

class SelfCheck {
public:
    Result<void> run() {
        return SharedRegion::create("trapgate-self-check", 1U << 20)
            .and_then([&](SharedRegion region) {
                memory_.add(GuestPa{0}, std::move(region), true);
                return SharedRegion::create("trapgate-self-check-2", 64U << 10);
            })
            .and_then([&](SharedRegion region) {
                memory_.add(kSecondRegion, std::move(region), false);
                make_identity_map();
                return Engine::create(memory_, witness_, {{kDevice, kPageBytes}});
            })
            .and_then([&](std::vector<std::unique_ptr<Engine>> engines) {
                engine_ = std::move(engines.front());
                witness_.engine = engine_.get();
                return check_counting();
            })
            .and_then([&] { return check_cutting(); })
            .and_then([&] { return check_invalidation(); })
            .and_then([&] { return check_system_instructions(); })
            .and_then([&] { return check_code_pages(); })
            .and_then([&] { return check_device_access(); })
            .and_then([&] { return check_watchpoints(); })
            .and_then([&] { return check_debug_registers(); })
            .and_then([&] { return check_interrupt_return(); })
            .and_then([&] { return check_system_registers(); })
            .and_then([&] { return check_giving_up(); });
    }

private:
    void put(GuestPa at, const std::vector<std::uint8_t>& bytes) {
        std::memcpy(memory_.view(at, bytes.size()).data(), bytes.data(), bytes.size());
    }

    void make_identity_map() {
        constexpr std::uint64_t kFlags = cpu::pte::kPresent | cpu::pte::kWritable;
        const auto entry = [&](std::uint64_t at, std::uint64_t value) {
            std::memcpy(memory_.view(GuestPa{at}, 8).data(), &value, 8);
        };
        entry(kTables.value, (kTables.value + 0x1000) | kFlags);
        entry(kTables.value + 0x1000, (kTables.value + 0x2000) | kFlags);
        for (std::uint64_t i = 0; i < cpu::kEntriesPerTable; ++i) {
            entry(kTables.value + 0x2000 + 8 * i, (i << 21) | kFlags | cpu::pte::kLarge);
        }
    }

    void start_at(GuestPa code) {
        cpu::RegisterFile file;
        constexpr std::uint32_t kCode64 = 0x00a0'9b00;
        file.cs = {0x10, 0, 0xffff'ffff, kCode64};
        file.cr0 = 0x8000'0011;
        file.cr3 = kTables.value;
        file.cr4 = 0x20;
        file.efer = 0x501;  // LMA, LME, SCE
        file.rip = code.value;
        file[cpu::Gpr::Rsp] = 0x8000;
        engine_->set_registers(file);
        witness_.counts.clear();
        witness_.exceptions.clear();
        first_ = engine_->instructions();
    }

    // nop; nop; in al,0x10; out 0x10,al; nop; rdtsc; nop; int3
    Result<void> check_counting() {
        put(kCode, {0x90, 0x90, 0xe4, 0x10, 0xe6, 0x10, 0x90, 0x0f, 0x31, 0x90, 0xcc});
        start_at(kCode);
        if (engine_->run() != EngineExit::Stopped || witness_.exceptions.size() != 1 ||
            witness_.exceptions[0].vector != 3 || !witness_.exceptions[0].software ||
            witness_.exceptions[0].rip.value != kCode.value + 11) {
            return broken("report int3 as the engine expects");
        }
        const std::vector<std::uint64_t> expected{first_ + 2, first_ + 3, first_ + 5, first_ + 8};
        if (witness_.counts != expected) {
            return broken("call the replaced port, RDTSC and block functions at the right count");
        }
        if (engine_->gpr(cpu::Gpr::Rax) != (kTscValue & 0xffff'ffff) ||
            engine_->gpr(cpu::Gpr::Rdx) != kTscValue >> 32) {
            return broken("keep the registers that the engine writes");
        }
        return {};
    }

    // Ten increments in one block, stopped after the third.
    Result<void> check_cutting() {
        std::vector<std::uint8_t> code;
        for (int i = 0; i < 10; ++i) {
            code.insert(code.end(), {0x48, 0xff, 0xc3});  // inc rbx
        }
        code.push_back(0xcc);
        put(kCode + 0x100, code);
        start_at(kCode + 0x100);
        engine_->set_deadline(first_ + 3);
        const EngineExit stopped = engine_->run();
        engine_->set_deadline(UINT64_MAX);
        if (stopped != EngineExit::Stopped || engine_->gpr(cpu::Gpr::Rbx) != 3 ||
            engine_->instructions() != first_ + 3 || engine_->rip().value != kCode.value + 0x109) {
            return broken("cut a block at an exact instruction");
        }
        if (engine_->run() != EngineExit::Stopped || engine_->gpr(cpu::Gpr::Rbx) != 10 ||
            engine_->instructions() != first_ + 11) {
            return broken("go on exactly after a cut block");
        }
        return {};
    }

    // Code in the second region, changed by the host between two runs: other instructions and
    // another number of them in the same place and length, so a block must be known by its
    // translation.
    Result<void> check_invalidation() {
        struct Version {
            std::vector<std::uint8_t> code;
            std::uint64_t rbx;
            std::uint64_t instructions;
        };
        for (const Version& version : {Version{{0xb3, 1, 0xcc}, 1, 2},        // mov bl, 1
                                       Version{{0x90, 0x90, 0xcc}, 0, 3}}) {  // nop; nop
            put(kSecondRegion, version.code);
            engine_->invalidate_code(kSecondRegion, version.code.size());
            start_at(kSecondRegion);
            if (engine_->run() != EngineExit::Stopped ||
                engine_->gpr(cpu::Gpr::Rbx) != version.rbx) {
                return broken("drop translations of changed code");
            }
            if (engine_->instructions() != first_ + version.instructions) {
                return broken("call the block hook from the translation itself");
            }
        }
        return {};
    }

    // mov ecx, 0x10; rdmsr; wrmsr; mov r8, rdx; rdrand r9; mov eax, 0x40000000; cpuid; syscall ->
    // int3
    Result<void> check_system_instructions() {
        constexpr std::uint32_t kLstar = 0xc000'0082;
        put(kCode + 0x200,
            {0xb9, 0x10, 0,    0,    0, 0x0f, 0x32, 0x0f, 0x30, 0x49, 0x89, 0xd0, 0x49,
             0x0f, 0xc7, 0xf1, 0xb8, 0, 0,    0,    0x40, 0x0f, 0xa2, 0x0f, 0x05});
        put(kCode + 0x300, {0xcc});
        start_at(kCode + 0x200);
        engine_->set_msr(kLstar, kCode.value + 0x300);
        if (engine_->run() != EngineExit::Stopped || witness_.exceptions[0].vector != 3) {
            return broken("call the replaced MSR and SYSCALL functions");
        }
        if (engine_->gpr(cpu::Gpr::R8) != kMsrValue >> 32 ||
            engine_->gpr(cpu::Gpr::R9) != kRandomValue ||
            engine_->gpr(cpu::Gpr::Rbx) != guest_cpuid(kHypervisorLeaf, 0, {}, {}).ebx) {
            return broken("call the replaced RDMSR, RDRAND and CPUID functions");
        }
        return {};
    }

    // A loop changes an instruction through a second mapping (2 MiB further on) four times:
    // loop: mov [r8+1], cl; call r9; add rbx, rax; dec ecx; jnz loop; int3
    Result<void> check_code_pages() {
        const GuestPa function = kCode + 0x1000;
        const std::uint64_t alias = (2ULL << 20) + function.value;
        const std::uint64_t entry = cpu::pte::kPresent | cpu::pte::kWritable | cpu::pte::kLarge;
        std::memcpy(memory_.view(kTables + 0x2000 + 8, 8).data(), &entry, 8);
        put(kCode + 0x400, {0x41, 0x88, 0x48, 0x01, 0x41, 0xff, 0xd1, 0x48, 0x01, 0xc3, 0xff, 0xc9,
                            0x75, 0xf2, 0xcc});
        put(function, {0xb0, 0, 0xc3});  // mov al, 0; ret
        start_at(kCode + 0x400);
        engine_->set_gpr(cpu::Gpr::R8, alias);
        engine_->set_gpr(cpu::Gpr::R9, function.value);
        engine_->set_gpr(cpu::Gpr::Rcx, 4);
        if (engine_->run() != EngineExit::Stopped || engine_->gpr(cpu::Gpr::Rbx) != 4 + 3 + 2 + 1) {
            return broken("call the replaced functions that watch code pages");
        }
        return {};
    }

    // nop; mov eax, [rsi+4]; nop; mov [rsi], eax; nop; int3
    Result<void> check_device_access() {
        put(kCode + 0x500, {0x90, 0x8b, 0x46, 0x04, 0x90, 0x89, 0x06, 0x90, 0xcc});
        start_at(kCode + 0x500);
        engine_->set_gpr(cpu::Gpr::Rsi, kDevice.value);
        const bool stopped = engine_->run() == EngineExit::Stopped;
        const std::vector<std::uint64_t> expected{first_ + 1, first_ + 3, first_ + 6};
        if (!stopped || witness_.counts != expected ||
            engine_->gpr(cpu::Gpr::Rax) != kDevice.value + 4) {
            return broken("tell the place of a device access");
        }
        return {};
    }

    // nop; mov [rsi+2], eax; nop; int3
    Result<void> check_watchpoints() {
        constexpr GuestVa kData{0x9000};
        put(kCode + 0x600, {0x90, 0x89, 0x46, 0x02, 0x90, 0xcc});
        start_at(kCode + 0x600);
        witness_.hits.clear();
        const Watchpoint watch{kData + 4, 1, WatchKind::Write};
        engine_->set_watchpoints({&watch, 1});
        engine_->set_gpr(cpu::Gpr::Rsi, kData.value);
        const bool stopped = engine_->run() == EngineExit::Stopped;
        const std::vector<WatchHit> expected{{kData + 4, WatchKind::Write}};
        engine_->set_watchpoints({});
        if (!stopped || witness_.hits != expected || engine_->instructions() != first_ + 2) {
            return broken("call the replaced watchpoint functions before an access");
        }
        return {};
    }

    // mov dr0, rax; mov dr7, rcx; nop; mov [rsi], al; mov rdx, dr0; mov dr0, rdx: each of these
    // kinds of #DB in its place.
    Result<void> check_debug_registers() {
        constexpr GuestVa kData{0x9000};
        const GuestVa at{kCode.value + 0x700};
        put(kCode + 0x700, {0x0f, 0x23, 0xc0, 0x0f, 0x23, 0xf9, 0x90, 0x88, 0x06, 0x0f, 0x21, 0xc2,
                            0x0f, 0x23, 0xc2});
        struct Kind {
            std::uint64_t dr0, dr7, rip;
        };
        constexpr std::uint64_t kWrite = 1 | 1U << 16;
        constexpr std::uint64_t kGeneralDetect = 1U << 13;
        for (const Kind& kind : {Kind{(at + 7).value, 1, 7}, Kind{kData.value, kWrite, 9},
                                 Kind{0, kGeneralDetect, 9}}) {
            start_at(GuestPa{at.value});
            engine_->set_gpr(cpu::Gpr::Rax, kind.dr0);
            engine_->set_gpr(cpu::Gpr::Rcx, kind.dr7);
            engine_->set_gpr(cpu::Gpr::Rsi, kData.value);
            if (engine_->run() != EngineExit::Stopped || witness_.exceptions.size() != 1 ||
                witness_.exceptions[0].vector != 1 || witness_.exceptions[0].rip != at + kind.rip) {
                return broken("call the replaced debug register functions");
            }
        }
        // GD is still set: its #DB was not delivered.
        start_at(GuestPa{at.value + 12});
        if (engine_->run() != EngineExit::Stopped || witness_.exceptions.size() != 1 ||
            witness_.exceptions[0].rip != at + 12) {
            return broken("call the replaced function that sets debug registers");
        }
        return {};
    }

    // push 0; push rsp; push 0x10002 (RF); push 0x10; push rax; iretq -> int3
    Result<void> check_interrupt_return() {
        put(kCode + 0x800, {0x6a, 0, 0x54, 0x68, 2, 0, 1, 0, 0x6a, 0x10, 0x50, 0x48, 0xcf, 0xcc});
        put(kGdt + 0x10, {0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0});  // the code segment
        start_at(kCode + 0x800);
        cpu::RegisterFile file = engine_->registers();
        file.gdtr = {kGdt.value, 0x1f};
        file[cpu::Gpr::Rax] = kCode.value + 0x80d;
        engine_->set_registers(file);
        if (engine_->run() != EngineExit::Stopped || witness_.exceptions[0].vector != 3 ||
            (engine_->rflags() & cpu::rflags::kRf) != 0) {
            return broken("call the replaced IRET function");
        }
        return {};
    }

    // mov cr8, rax; mov rbx, cr8; mov rcx, cr0; mov cr0, rcx; then three that must fault:
    // mov cr4, rdx; xsetbv; sysretq, each with all ones
    Result<void> check_system_registers() {
        put(kCode + 0x900, {0x44, 0x0f, 0x22, 0xc0, 0x44, 0x0f, 0x20, 0xc3, 0x0f, 0x20, 0xc1, 0x0f,
                            0x22, 0xc1, 0x0f, 0x22, 0xe2, 0x0f, 0x01, 0xd1, 0x48, 0x0f, 0x07});
        std::uint64_t from = 0;
        std::uint64_t cr8 = 0;
        for (const std::uint64_t fault : {14U, 17U, 20U}) {
            start_at(kCode + 0x900 + from);
            cpu::RegisterFile file = engine_->registers();
            file.efer |= 1;        // SCE
            file.cr4 |= 1U << 18;  // OSXSAVE
            file[cpu::Gpr::Rax] = from == 0 ? 3 : ~0ULL;
            file[cpu::Gpr::Rcx] = from == 17 ? 0 : 1ULL << 62;
            file[cpu::Gpr::Rdx] = ~0ULL;
            engine_->set_registers(file);
            if (engine_->run() != EngineExit::Stopped || witness_.exceptions.size() != 1 ||
                witness_.exceptions[0].vector != 13 ||
                witness_.exceptions[0].rip.value != kCode.value + 0x900 + fault) {
                return broken("call the replaced functions that check system registers");
            }
            cr8 += engine_->gpr(cpu::Gpr::Rbx);
            from = fault + 3;
        }
        if (witness_.task_priority_set != 3 || cr8 != kTaskPriority) {
            return broken("call the replaced functions of CR8");
        }
        return {};
    }

    // An NMI whose gate wants a stack of the task state segment, and there is none.
    Result<void> check_giving_up() {
        constexpr GuestPa kIdt{0xa000};
        put(kCode + 0xa00, {0x90, 0xcc});
        put(kIdt + 0x20, {0, 0, 0x10, 0, 1, 0x8e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        start_at(kCode + 0xa00);
        cpu::RegisterFile file = engine_->registers();
        file.gdtr = {kGdt.value, 0x1f};
        file.idtr = {kIdt.value, 0xfff};
        engine_->set_registers(file);
        engine_->raise_nmi();
        if (engine_->run() != EngineExit::TripleFault) {
            return broken("call the replaced function that gives up");
        }
        return {};
    }

    PhysicalMemory memory_;
    Witness witness_;
    std::unique_ptr<Engine> engine_;
    std::uint64_t first_ = 0;
};

}  // namespace

Result<void> check_engine_once() {
    static const Result<void> kAnswer = SelfCheck().run();
    return kAnswer;
}

}  // namespace trapgate::emu
