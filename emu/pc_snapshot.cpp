// SPDX-License-Identifier: GPL-2.0-only
// The machine's state as a value: see emu/snapshot/machine_state.hpp.
#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "base/check.hpp"
#include "emu/pc_machine.hpp"
#include "emu/snapshot/archive.hpp"
#include "emu/snapshot/hash64.hpp"

namespace trapgate::emu {
namespace {

constexpr std::byte kInt3{0xcc};
// No device's event is longer overdue than a slice lasts.
constexpr std::uint64_t kOverdue = 1U << 24;

}  // namespace

void PcMachine::set_kernel(KernelImage image) {
    kernel_ = std::move(image);
    Hash64 hash;
    for (const PhysicalMemory::Region& region : memory_.regions()) {
        if (!region.in_e820) {
            continue;
        }
        for_each_resident_page(region.storage, [&](std::uint64_t index) {
            const std::span<std::byte> page = region.storage.bytes().subspan(index * kPageBytes,
                                                                             kPageBytes);
            const bool zero = page[0] == std::byte{0} &&
                              std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
            if (!zero) {
                hash.add(region.base.value + index * kPageBytes);
                hash.add(page);
            }
        });
    }
    hash.add(engine().rip().value);
    identity_.image = hash.value();
    identity_.image_name = kernel_.name;
    identity_.command_line = kernel_.command_line;
}

template <class Archive>
void PcMachine::fields(Archive& archive) {
    archive("schedule", 1, current_, slice_end_, newest_tsc_, counters_.interrupts,
            counters_.exceptions);
    pic_.fields(archive);
    io_apic_.fields(archive);
    timer_.fields(archive);
    cmos_.fields(archive);
    uart_.fields(archive);
    keyboard_.fields(archive);
    for (const auto& cpu : cpus_) {
        archive("cpu-activity", 1, cpu->idle, cpu->activity, cpu->startup);
        cpu->apic.fields(archive);
        cpu->msrs.fields(archive);
        if constexpr (Archive::kReads) {
            cpu->engine->load_state(archive);
        } else {
            cpu->engine->save_state(archive);
        }
    }
}

std::vector<std::byte> PcMachine::save_parts() {
    StateWriter writer;
    fields(writer);
    std::ostringstream random;
    random << random_;
    writer("random", 1, random.str());
    writer("input", 1, static_cast<std::uint64_t>(input_.acted()));
    writer("window", 1, window_->in_use());
    return writer.take();
}

bool PcMachine::clocks_are_possible() const {
    const auto near = [this](Cycles time) {
        return time >= slice_end_ || slice_end_.value - time.value < kOverdue;
    };
    const bool slice_ends = slice_end_.value < kEndOfTime || slice_end_.value == UINT64_MAX;
    return slice_ends && near(next_device_event().value_or(slice_end_)) &&
           newest_tsc_ < kEndOfTime &&
           std::ranges::all_of(
               cpus_,
               [this](const auto& cpu) {
                   return cpu->idle.value < kEndOfTime &&
                          cpu->engine->instructions() < kEndOfTime &&
                          (cpu->now() <= slice_end_ ||
                           cpu->now().value - slice_end_.value < kOverdue);
               });
}

namespace {

/// In order, and none that should have acted long ago.
bool inputs_are_possible(const std::vector<InputEntry>& inputs, std::uint64_t acted, Cycles now) {
    const auto by_cycle = [](const InputEntry& a, const InputEntry& b) {
        return a.place.cycle < b.place.cycle;
    };
    return acted <= inputs.size() && std::ranges::is_sorted(inputs, by_cycle) &&
           (acted == inputs.size() || inputs[acted].place.cycle >= now ||
            now.value - inputs[acted].place.cycle.value < kOverdue);
}

}  // namespace

Result<PcMachine::LoadedParts> PcMachine::load_parts(const MachineState& state) {
    StateReader reader(state.parts);
    fields(reader);
    std::string random;
    LoadedParts loaded;
    reader("random", 1, random);
    reader("input", 1, loaded.inputs_acted);
    reader("window", 1, loaded.window);
    std::istringstream stream(random);
    stream >> random_;
    std::ostringstream again;
    again << random_;
    reader.check(again.str() == random, "a source of chance that is none");

    reader.check(current_ < cpus_.size(), "a CPU that is not there");
    current_ = current_ < cpus_.size() ? current_ : 0;
    for (std::size_t i = 0; i < cpus_.size(); ++i) {
        const PcCpu& cpu = *cpus_[i];
        reader.check(cpu.activity <= PcCpu::Activity::WaitForSipi &&
                         (!cpu.startup || cpu.activity == PcCpu::Activity::WaitForSipi) &&
                         cpu.apic.id() == i,
                     "a CPU in no possible state");
    }
    reader.check(clocks_are_possible(), "clocks that no machine has");
    reader.check(inputs_are_possible(*state.inputs, loaded.inputs_acted, slice_end_),
                 "inputs at impossible times");
    reader.check(state.place == InputPlace{instructions(), now()}, "a place that is another");
    return reader.finish().map([&] { return loaded; });
}

std::vector<GuestPa> PcMachine::take_stored_pages() {
    std::vector<GuestPa> pages;
    for (const auto& cpu : cpus_) {
        const std::vector<GuestPa> stored = cpu->engine->take_stored_pages();
        pages.insert(pages.end(), stored.begin(), stored.end());
    }
    return pages;
}

void PcMachine::hide_planted() {
    for (const auto& [va, planted] : planted_) {
        memory_.view(planted.pa, 1)[0] = planted.original;
    }
}

void PcMachine::show_planted() {
    for (auto& [va, planted] : planted_) {
        std::byte& byte = memory_.view(planted.pa, 1)[0];
        planted.original = byte;
        byte = kInt3;
    }
}

StatePtr PcMachine::save() {
    TG_CHECK(running_ == nullptr, "a snapshot in the middle of a run");
    auto state = std::make_shared<MachineState>();
    state->identity = identity_;
    state->place = {instructions(), now()};
    state->parts = save_parts();
    hide_planted();
    state->regions = images_.capture(take_stored_pages());
    show_planted();
    state->inputs = input_.entries();
    return state;
}

Result<void> PcMachine::restore(const MachineState& state, FutureInput future,
                                const std::string& name) {
    TG_CHECK(running_ == nullptr, "a snapshot in the middle of a run");
    Result<void> ours = identity_.accepts(state.identity, name);
    if (!ours) {
        return ours;
    }
    const std::span<const PhysicalMemory::Region> regions = memory_.regions();
    bool fits = state.regions.size() == regions.size();
    for (std::size_t i = 0; fits && i < regions.size(); ++i) {
        fits = state.regions[i].base == regions[i].base &&
               state.regions[i].pages.pages() * kPageBytes == regions[i].storage.bytes().size();
    }
    if (!fits) {
        return fail("its memory is laid out otherwise", name, "was it written by this version?");
    }
    const Cycles left = now();
    MachineState before;
    before.place = {instructions(), left};
    before.parts = save_parts();
    before.inputs = input_.entries();
    const Result<LoadedParts> loaded = load_parts(state);
    if (!loaded) {
        const bool back = load_parts(before).has_value();
        TG_CHECK(back, "a state cannot be loaded that was saved just now");
        return fail(loaded.error().what, fmt::format("{}: {}", name, loaded.error().where),
                    loaded.error().hint);
    }

    // What the host has in the window now is the host's; a window without anything is the state's.
    const WindowUse now_used = window_->in_use();
    const auto in_ram = [&regions](GuestPa page) {
        return std::ranges::any_of(regions, [page](const PhysicalMemory::Region& region) {
            return region.in_e820 && page >= region.base &&
                   page - region.base < region.storage.bytes().size();
        });
    };
    const bool window_is_ours = !now_used.text.empty() || !now_used.data.empty();
    const auto keep = [&](GuestPa page) {
        if (!window_is_ours || in_ram(page)) {
            return false;
        }
        const bool data = page >= kWindowDataPa && page - kWindowDataPa < kWindowDataBytes;
        return !data || !loaded->window.same_data_at(now_used, page - kWindowDataPa);
    };
    hide_planted();
    images_.apply(state.regions, take_stored_pages(),
                  {keep, [this](GuestPa page) { engine().invalidate_code(page, kPageBytes); }});
    show_planted();
    if (!window_is_ours) {
        window_->reserve(loaded->window);
    }
    input_.go_to(*state.inputs, loaded->inputs_acted,
                 future == FutureInput::Repeat ? std::optional(left) : std::nullopt);
    ending_.reset();
    flush_tlbs();
    update_interrupt_lines();
    if (window_mapped_) {
        // It may have been mapped since; where the kernel has no page tables yet, nothing needs it.
        static_cast<void>(map_window());
    }
    return {};
}

}  // namespace trapgate::emu
