// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/runtime/helper_call.hpp"

#include <algorithm>
#include <cstring>

#include "bpf/runtime/btf_members.hpp"
#include "bpf/runtime/guest_strings.hpp"

namespace trapgate::bpf {
namespace {

constexpr std::uint64_t kHandleBase = 0xffff'ff88'0000'0000;  // in no range that Linux or the
                                                              // window uses
constexpr std::uint64_t kHandleStep = 64;
constexpr std::uint64_t kMaxAccess = 1ULL << 29;  // BPF_MAX_VAR_SIZ: no verified access is larger
constexpr std::size_t kCommBytes = 16;            // TASK_COMM_LEN
/// Per-CPU symbols count from 0; no kernel address is this low.
constexpr std::uint64_t kPerCpuLimit = 1ULL << 32;

}  // namespace

std::uint64_t MapHandles::handle_of(const std::shared_ptr<Map>& map) {
    const auto same = [&](const std::weak_ptr<Map>& known) { return known.lock() == map; };
    auto found = std::ranges::find_if(maps_, same);
    if (found == maps_.end()) {
        found = maps_.insert(maps_.end(), map);
    }
    return kHandleBase + static_cast<std::uint64_t>(found - maps_.begin()) * kHandleStep;
}

std::shared_ptr<Map> MapHandles::find(std::uint64_t handle) const {
    const std::uint64_t index = (handle - kHandleBase) / kHandleStep;
    const bool valid = handle >= kHandleBase && handle % kHandleStep == 0 && index < maps_.size();
    return valid ? maps_[index].lock() : nullptr;
}

std::optional<TaskLayout> TaskLayout::find(const emu::Machine& machine) {
    // pcpu_hot (Linux 6.2 and later) starts with current_task.
    const emu::Symbol* symbol = nullptr;
    for (const emu::Symbol& candidate : machine.symbols().all()) {
        if (candidate.name == "current_task" || candidate.name == "pcpu_hot") {
            symbol = &candidate;
        }
    }
    const BtfMembers btf(machine.kernel_btf());
    const std::optional<std::uint32_t> pid = btf.offset_of("task_struct", "pid");
    const std::optional<std::uint32_t> tgid = btf.offset_of("task_struct", "tgid");
    const std::optional<std::uint32_t> comm = btf.offset_of("task_struct", "comm");
    if (symbol == nullptr || !pid || !tgid || !comm) {
        return std::nullopt;
    }
    return TaskLayout{symbol->address.value, *pid, *tgid, *comm};
}

std::vector<std::byte> HelperCall::read(std::uint64_t va, std::uint64_t bytes) const {
    if (bytes > kMaxAccess) {
        return {};
    }
    std::vector<std::byte> out(bytes);
    if (!machine.read(GuestVa{va}, out)) {
        out.clear();
    }
    return out;
}

void HelperCall::write(std::uint64_t va, std::span<const std::byte> bytes) const {
    // Fails only when the guest has taken the window out of its page tables; then nobody can read
    // it either.
    static_cast<void>(machine.write(GuestVa{va}, bytes));
}

std::shared_ptr<Map> HelperCall::map(std::size_t argument) const {
    return state.maps.find(args[argument]);
}

GuestVa per_cpu_address(const emu::Machine& machine, std::uint64_t value) {
    if (value >= kPerCpuLimit) {
        return {value};
    }
    const cpu::RegisterFile registers = machine.cpu().registers();
    const std::uint64_t base = is_kernel_address(registers.gs.base) ? registers.gs.base
                                                                    : registers.kernel_gs_base;
    return GuestVa{base} + value;
}

std::optional<CurrentTask> HelperState::current_task(const emu::Machine& machine) {
    if (!tasks_looked_up) {
        tasks = TaskLayout::find(machine);
        tasks_looked_up = true;
    }
    if (!tasks) {
        return std::nullopt;
    }
    const GuestVa pointer = per_cpu_address(machine, tasks->current_task);
    const auto task = emu::read_value<std::uint64_t>(machine, pointer);
    if (!task || *task == 0) {
        return std::nullopt;
    }
    const auto pid = emu::read_value<std::uint32_t>(machine, GuestVa{*task} + tasks->pid);
    const auto tgid = emu::read_value<std::uint32_t>(machine, GuestVa{*task} + tasks->tgid);
    const auto comm = emu::read_value<std::array<char, kCommBytes>>(machine,
                                                                    GuestVa{*task} + tasks->comm);
    if (!pid || !tgid || !comm) {
        return std::nullopt;
    }
    return CurrentTask{*pid, *tgid,
                       std::string(comm->data(), ::strnlen(comm->data(), kCommBytes - 1)),
                       GuestVa{*task}};
}

std::optional<CurrentTask> HelperCall::current() const { return state.current_task(machine); }

}  // namespace trapgate::bpf
