// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/probes/kretprobes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "kernel/probes/kprobes.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint32_t kMaxDataBytes = 4096;  // KRETPROBE_MAX_DATA_SIZE
constexpr std::uint32_t kMaxActive = 4096;     // KRETPROBE_MAXACTIVE_MAX
constexpr std::uint32_t kWord = 8;

/// An instance as it lies in window data; its data follow.
struct Record {
    std::uint64_t place;  ///< Of the return address on the guest's stack; 0 when free.
    std::uint64_t return_address;
    std::uint64_t task;
    std::uint64_t pid;
};

/// Functions that return on another stack than they were called on (arch_kretprobe_blacklist).
constexpr std::string_view kNoReturnProbe[] = {"__switch_to", "__switch_to_asm"};

}  // namespace

/// The instances of one probe and their trampolines.
struct Kretprobe::Pool {
    Pool(emu::Machine& owner, emu::WindowBlock trampolines, emu::WindowBlock instances,
         std::uint32_t user_bytes)
        : machine(owner), text(trampolines), data(instances), data_bytes(user_bytes) {}
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() {
        for (std::size_t i = 0; i < text.bytes; ++i) {
            machine.remove_window_trap(text.va + i);
        }
        machine.window().free_text(text);
        machine.window().free_data(data);
    }

    [[nodiscard]] static std::uint64_t stride(std::uint32_t data_bytes) {
        return sizeof(Record) + (data_bytes + kWord - 1) / kWord * kWord;
    }
    [[nodiscard]] std::size_t size() const { return text.bytes; }
    [[nodiscard]] Record get(std::size_t index) const {
        Record record{};
        std::memcpy(&record, data.host + index * stride(data_bytes), sizeof record);
        return record;
    }
    void set(std::size_t index, const Record& record) const {
        std::memcpy(data.host + index * stride(data_bytes), &record, sizeof record);
    }
    [[nodiscard]] std::span<std::byte> user_data(std::size_t index) const {
        return {data.host + index * stride(data_bytes) + sizeof(Record), data_bytes};
    }

    emu::Machine& machine;
    emu::WindowBlock text;
    emu::WindowBlock data;
    std::uint32_t data_bytes;
    std::weak_ptr<Kretprobe> probe;
};

GuestVa Kretprobe::address() const { return entry_->address(); }
const std::string& Kretprobe::where() const { return entry_->where(); }
bool Kretprobe::enabled() const { return entry_->enabled(); }
std::uint64_t Kretprobe::nmissed() const { return missed_ + exhausted_ + entry_->nmissed(); }

std::size_t Kretprobe::active() const {
    std::size_t count = 0;
    for (std::size_t i = 0; pool_ && i < pool_->size(); ++i) {
        count += pool_->get(i).place != 0 ? 1 : 0;
    }
    return count;
}

KretprobeHandle::KretprobeHandle(KretprobeHandle&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), probe_(std::move(other.probe_)) {}

KretprobeHandle& KretprobeHandle::operator=(KretprobeHandle&& other) noexcept {
    if (this != &other) {
        reset();
        owner_ = std::exchange(other.owner_, nullptr);
        probe_ = std::move(other.probe_);
    }
    return *this;
}

void KretprobeHandle::reset() {
    if (probe_ && probe_->pool_) {
        owner_->unregister(*probe_);
    }
    probe_.reset();
}

Kretprobes::Kretprobes(emu::Machine& machine, Kprobes& kprobes)
    : machine_(machine), kprobes_(kprobes), tasks_(machine) {
    machine_.set_read_overlay([this](GuestVa va, std::span<std::byte> bytes) { hide(va, bytes); });
}

Kretprobes::~Kretprobes() {
    machine_.set_read_overlay(nullptr);
    for (const auto& [va, pool] : pools_) {
        release(*pool);
        if (const auto probe = pool->probe.lock()) {
            probe->pool_.reset();
        }
    }
}

// --- Registration

Result<KretprobeHandle> Kretprobes::register_kretprobe(KretprobeSpec spec) {
    if (spec.data_bytes > kMaxDataBytes) {
        return fail_errno(E2BIG, "a return probe keeps at most 4096 bytes for each call");
    }
    if (spec.maxactive > kMaxActive) {
        return fail_errno(E2BIG, "at most 4096 calls can be followed at once");
    }
    const Result<GuestVa> address = resolve_place(machine_, spec.symbol, spec.offset, spec.address);
    if (!address) {
        return tl::unexpected(address.error());
    }
    const emu::Symbol* function = machine_.symbols().containing(*address);
    const Result<GuestVa> entry = resolve_place(machine_, {}, 0, function->address);
    if (!entry || *entry != *address) {
        return fail("not a function's entry", machine_.symbols().describe(*address),
                    fmt::format("a return probe stands at {}+0x0", function->name));
    }
    if (std::ranges::find(kNoReturnProbe, function->name) != std::end(kNoReturnProbe)) {
        return fail("it returns on another stack than it is called on", function->name);
    }
    if (spec.maxactive == 0) {
        constexpr std::uint32_t kDefault = 10;
        spec.maxactive = std::max(kDefault, 2 * machine_.cpu_count());
    }
    const Result<emu::WindowBlock> text = machine_.window().allocate_text(spec.maxactive);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const Result<emu::WindowBlock> data = machine_.window().allocate_data(
        spec.maxactive * Pool::stride(spec.data_bytes));
    if (!data) {
        machine_.window().free_text(*text);
        return tl::unexpected(data.error());
    }
    for (std::size_t i = 0; i < spec.maxactive; ++i) {
        machine_.add_window_trap(text->va + i,
                                 [this](emu::Machine& machine) { on_return(machine.cpu().rip()); });
    }
    const auto pool = std::make_shared<Pool>(machine_, *text, *data, spec.data_bytes);
    if (Result<void> mapped = machine_.map_window(); !mapped) {
        return tl::unexpected(mapped.error());
    }
    constexpr std::byte kInt3{0xcc};
    machine_.write_text(*text, 0, std::vector<std::byte>(spec.maxactive, kInt3));
    auto probe = std::make_shared<Kretprobe>();
    KprobeSpec at_entry{.symbol = spec.symbol, .offset = spec.offset, .address = spec.address};
    at_entry.disabled = spec.disabled;
    at_entry.pre_handler = [this, weak = std::weak_ptr(probe)](Kprobe&, ProbeRegs& regs) {
        const auto self = weak.lock();
        return self ? on_entry(*self, regs) : 0;
    };
    probe->spec_ = std::move(spec);
    Result<KprobeHandle> registered = kprobes_.register_kprobe(std::move(at_entry));
    if (!registered) {
        return tl::unexpected(registered.error());
    }
    probe->entry_ = registered->release();
    probe->pool_ = pool;
    pool->probe = probe;
    pools_[text->va] = pool;
    return KretprobeHandle(*this, std::move(probe));
}

void Kretprobes::unregister(Kretprobe& probe) {
    kprobes_.unregister(*probe.entry_);
    const std::shared_ptr<Pool> pool = std::exchange(probe.pool_, nullptr);
    pool->probe.reset();
    release(*pool);
    pools_.erase(pool->text.va);
}

void Kretprobes::release(Pool& pool) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
        const Record record = pool.get(i);
        const GuestVa trampoline = pool.text.va + i;
        if (record.place == 0) {
            continue;
        }
        if (raw(GuestVa{record.place}) == trampoline.value) {
            const auto value = std::as_bytes(std::span(&record.return_address, 1));
            static_cast<void>(machine_.write(GuestVa{record.place}, value));
        }
        for (unsigned cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
            if (machine_.cpu(cpu).rip() == trampoline) {  // It has just returned.
                machine_.cpu(cpu).set_rip(GuestVa{record.return_address});
            }
        }
        // Or it is a link of a chain.
        for (const auto& [va, other] : pools_) {
            for (std::size_t j = 0; j < other->size(); ++j) {
                Record link = other->get(j);
                if (link.place == record.place && link.return_address == trampoline.value) {
                    link.return_address = record.return_address;
                    other->set(j, link);
                }
            }
        }
        pool.set(i, {});
    }
}

// --- What stands on the stacks

std::optional<Kretprobes::Found> Kretprobes::find(GuestVa trampoline) const {
    const auto behind = pools_.upper_bound(trampoline);
    if (behind == pools_.begin()) {
        return std::nullopt;
    }
    Pool& pool = *std::prev(behind)->second;
    const std::uint64_t index = trampoline - pool.text.va;
    if (index >= pool.size() || pool.get(index).place == 0) {
        return std::nullopt;
    }
    return Found{&pool, index};
}

GuestVa Kretprobes::real_return(GuestVa address) const {
    for (auto found = find(address); found; found = find(address)) {
        const GuestVa next{found->pool->get(found->index).return_address};
        if (next == address) {
            break;
        }
        address = next;
    }
    return address;
}

std::optional<std::uint64_t> Kretprobes::raw(GuestVa va) const {
    const std::optional<GuestPa> pa = machine_.translate(va);
    return pa ? machine_.memory().read<std::uint64_t>(*pa) : std::nullopt;
}

void Kretprobes::hide(GuestVa va, std::span<std::byte> bytes) const {
    if (pools_.empty()) {
        return;
    }
    // Return addresses are aligned; one of which only a part was read is completed.
    const std::uint64_t lead = (kWord - va.value % kWord) % kWord;
    const GuestVa first = lead == 0 ? va : va + lead - kWord;
    for (GuestVa at = first; at < va + bytes.size(); at = at + kWord) {
        std::uint64_t value = 0;
        const bool whole = at >= va && (at - va) + kWord <= bytes.size();
        if (whole) {
            std::memcpy(&value, bytes.data() + (at - va), kWord);
        } else {
            value = raw(at).value_or(0);
        }
        if (!emu::ProbeWindow::text_contains(GuestVa{value})) {
            continue;
        }
        const auto found = find(GuestVa{value});
        if (!found || found->pool->get(found->index).place != at.value) {
            continue;
        }
        const std::uint64_t real = real_return(GuestVa{value}).value;
        const auto shown = std::as_bytes(std::span(&real, 1));
        for (std::uint64_t i = 0; i < kWord; ++i) {
            if (at + i >= va && (at + i) - va < bytes.size()) {
                bytes[(at + i) - va] = shown[i];
            }
        }
    }
}

bool Kretprobes::is_dead(const Pool& pool, std::size_t index,
                         const std::optional<TaskIdentity>& current) const {
    const Record record = pool.get(index);
    const GuestVa place{record.place};
    const std::optional<std::uint64_t> value = raw(place);
    if (!value) {
        return true;
    }
    const GuestVa trampoline = pool.text.va + index;
    bool linked = *value == trampoline.value;
    for (auto link = find(GuestVa{*value}); link && !linked;) {
        const Record above = link->pool->get(link->index);
        linked = above.place == record.place && above.return_address == trampoline.value;
        link = above.place == record.place ? find(GuestVa{above.return_address}) : std::nullopt;
    }
    if (!linked) {
        return true;
    }
    const GuestVa sp{machine_.cpu().gpr(cpu::Gpr::Rsp)};
    if (current && current->task.value == record.task && current->pid == record.pid &&
        current->on_stack(sp) && current->on_stack(place) && place < sp) {
        return true;
    }
    return tasks_.gone(GuestVa{record.task}, static_cast<std::uint32_t>(record.pid));
}

std::optional<std::size_t> Kretprobes::free_instance(Pool& pool) {
    for (const bool look_for_dead : {false, true}) {
        const auto current = look_for_dead ? tasks_.current() : std::nullopt;
        for (std::size_t i = 0; look_for_dead && i < pool.size(); ++i) {
            if (pool.get(i).place != 0 && is_dead(pool, i, current)) {
                pool.set(i, {});
            }
        }
        for (std::size_t i = 0; i < pool.size(); ++i) {
            if (pool.get(i).place == 0) {
                return i;
            }
        }
    }
    return std::nullopt;
}

// --- A call and its return

int Kretprobes::on_entry(Kretprobe& probe, ProbeRegs& regs) {
    if (!probe.pool_) {
        return 0;
    }
    Pool& pool = *probe.pool_;
    const GuestVa place = regs.sp();
    const std::optional<std::uint64_t> return_address = raw(place);
    const auto index = return_address ? free_instance(pool) : std::nullopt;
    if (!index) {
        ++probe.exhausted_;
        return 0;
    }
    std::ranges::fill(pool.user_data(*index), std::byte{0});
    KretprobeInstance instance(probe, real_return(GuestVa{*return_address}),
                               pool.user_data(*index));
    if (probe.spec_.entry_handler && probe.spec_.entry_handler(instance, regs) != 0) {
        return 0;
    }
    if (!probe.pool_) {
        return 0;  // The handler has unregistered it.
    }
    const auto task = tasks_.current();
    pool.set(*index,
             {place.value, *return_address, task ? task->task.value : 0, task ? task->pid : 0U});
    const std::uint64_t trampoline = (pool.text.va + *index).value;
    const bool written = machine_.write(place, std::as_bytes(std::span(&trampoline, 1)));
    TG_CHECK(written, "a stack that could be read cannot be written");
    return 0;
}

void Kretprobes::on_return(GuestVa trampoline) {
    Return now;
    const auto live = find(trampoline);
    if (!live) {
        return;  // The guest has jumped here by itself: it spins, until a limit ends it.
    }
    GuestVa at = trampoline;
    for (auto found = live; found; found = find(at)) {
        const Record record = found->pool->get(found->index);
        now.chain.push_back({pools_.at(found->pool->text.va), found->index});
        at = GuestVa{record.return_address};
        found->pool->set(found->index, {});
    }
    now.to = at;
    machine_.cpu().set_rip(at);
    if (!kprobes_.begin_handlers()) {
        for (const Return::Step& step : now.chain) {
            if (const auto probe = step.pool->probe.lock()) {
                probe->count_missed();
            }
        }
        return;
    }
    return_ = std::move(now);
    run_handlers();
}

void Kretprobes::run_handlers() {
    ProbeRegs regs(machine_.cpu());
    while (return_->next < return_->chain.size()) {
        const Return::Step step = return_->chain[return_->next++];
        const auto probe = step.pool->probe.lock();
        if (!probe) {
            continue;
        }
        ++probe->hits_;
        const auto instance = std::make_shared<KretprobeInstance>(*probe, return_->to,
                                                                  step.pool->user_data(step.index));
        if (probe->spec_.handler) {
            probe->spec_.handler(*instance, regs);
        }
        if (probe->spec_.guest_handler) {
            probe->spec_.guest_handler(*instance, regs,
                                       [this, probe, step, instance] { run_handlers(); });
            return;
        }
    }
    return_.reset();
    kprobes_.end_handlers();
}

}  // namespace trapgate::kernel
