// SPDX-License-Identifier: GPL-2.0-only
// The architectural registers. Bit names are those of the Intel SDM, vol. 3: RFLAGS 2.3, CR0 and
// CR4 2.5, EFER 2.2.1.
#include <array>
#include <string>

#include <fmt/format.h>

#include "gui/panels/cell.hpp"
#include "gui/panels/text.hpp"

namespace trapgate::gui {
namespace {

using cpu::RegisterFile;
using cpu::Segment;

constexpr std::array kFlagNames = {BitName{cpu::rflags::kCf, "CF"}, BitName{cpu::rflags::kPf, "PF"},
                                   BitName{cpu::rflags::kAf, "AF"}, BitName{cpu::rflags::kZf, "ZF"},
                                   BitName{cpu::rflags::kSf, "SF"}, BitName{cpu::rflags::kTf, "TF"},
                                   BitName{cpu::rflags::kIf, "IF"}, BitName{cpu::rflags::kDf, "DF"},
                                   BitName{cpu::rflags::kOf, "OF"}, BitName{cpu::rflags::kNt, "NT"},
                                   BitName{cpu::rflags::kRf, "RF"}, BitName{cpu::rflags::kVm, "VM"},
                                   BitName{cpu::rflags::kAc, "AC"}, BitName{1U << 19, "VIF"},
                                   BitName{1U << 20, "VIP"},        BitName{1U << 21, "ID"}};
constexpr std::array kCr0Names = {
    BitName{1U << 0, "PE"},  BitName{1U << 1, "MP"},  BitName{1U << 2, "EM"},
    BitName{1U << 3, "TS"},  BitName{1U << 4, "ET"},  BitName{1U << 5, "NE"},
    BitName{1U << 16, "WP"}, BitName{1U << 18, "AM"}, BitName{1U << 29, "NW"},
    BitName{1U << 30, "CD"}, BitName{1U << 31, "PG"}};
constexpr std::array kCr4Names = {
    BitName{1U << 0, "VME"},      BitName{1U << 1, "PVI"},         BitName{1U << 2, "TSD"},
    BitName{1U << 3, "DE"},       BitName{1U << 4, "PSE"},         BitName{1U << 5, "PAE"},
    BitName{1U << 6, "MCE"},      BitName{1U << 7, "PGE"},         BitName{1U << 8, "PCE"},
    BitName{1U << 9, "OSFXSR"},   BitName{1U << 10, "OSXMMEXCPT"}, BitName{1U << 11, "UMIP"},
    BitName{1U << 12, "LA57"},    BitName{1U << 16, "FSGSBASE"},   BitName{1U << 17, "PCIDE"},
    BitName{1U << 18, "OSXSAVE"}, BitName{1U << 20, "SMEP"},       BitName{1U << 21, "SMAP"},
    BitName{1U << 22, "PKE"}};
constexpr std::array kEferNames = {BitName{1U << 0, "SCE"}, BitName{1U << 8, "LME"},
                                   BitName{1U << 10, "LMA"}, BitName{1U << 11, "NXE"}};

// Draws registers of one file beside those of an older one (null: nothing is marked).
class View {
public:
    View(const RegisterFile& now, const RegisterFile* then, PanelState& state)
        : now_(now), then_(then), state_(state) {}

    // A name and a value in two cells. `get` picks the register out of a file.
    template <class Get>
    void value(std::string_view name, Get get, NumberFormat format) {
        const std::uint64_t value = get(now_);
        const bool changed = then_ != nullptr && get(*then_) != value;
        ImGui::TableNextColumn();
        cell(state_, fmt::format("{}{}", changed ? '*' : ' ', name),
             changed ? Tone::Changed : Tone::Dim);
        ImGui::TableNextColumn();
        value_cell(state_, value, format, changed ? Tone::Changed : Tone::Normal);
    }

    template <class Get>
    void named_bits(std::string_view name, Get get, std::span<const BitName> bits) {
        value(name, get, NumberFormat::Hex);
        note(bit_names(get(now_), bits));
    }

    void note(std::string_view text) {
        ImGui::TableNextColumn();
        cell(state_, text);
    }

    void segment(std::string_view name, Segment RegisterFile::* which) {
        const Segment& segment = now_.*which;
        const bool changed = then_ != nullptr && then_->*which != segment;
        const Tone tone = changed ? Tone::Changed : Tone::Normal;
        ImGui::TableNextColumn();
        cell(state_, fmt::format("{}{}", changed ? '*' : ' ', name),
             changed ? Tone::Changed : Tone::Dim);
        ImGui::TableNextColumn();
        cell(state_, fmt::format("{:04x}", segment.selector), tone);
        ImGui::TableNextColumn();
        value_cell(state_, segment.base, NumberFormat::Hex, tone);
        ImGui::TableNextColumn();
        cell(state_, fmt::format("{:08x}", segment.limit), tone);
        ImGui::TableNextColumn();
        cell(state_, fmt::format("{:04x}", segment.attributes), tone);
    }

private:
    const RegisterFile& now_;
    const RegisterFile* then_;
    PanelState& state_;
};

bool begin_plain_table(const char* id, int columns) {
    return ImGui::BeginTable(id, columns,
                             ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_NoHostExtendX);
}

void draw_general(View& view, NumberFormat format) {
    if (!begin_plain_table("general", 4)) {
        return;
    }
    constexpr std::size_t kHalf = cpu::kGprCount / 2;
    for (std::size_t row = 0; row < kHalf; ++row) {
        ImGui::TableNextRow();
        for (const std::size_t i : {row, row + kHalf}) {
            view.value(
                cpu::gpr_name(static_cast<cpu::Gpr>(i)),
                [i](const RegisterFile& file) { return file.gpr[i]; }, format);
        }
    }
    ImGui::EndTable();
}

void draw_flow(View& view, const kernel::SessionSnapshot& snapshot) {
    if (!begin_plain_table("flow", 3)) {
        return;
    }
    ImGui::TableNextRow();
    view.value("rip", [](const RegisterFile& file) { return file.rip; }, NumberFormat::Hex);
    view.note(snapshot.location);
    ImGui::TableNextRow();
    view.named_bits("rflags", [](const RegisterFile& file) { return file.rflags; }, kFlagNames);
    ImGui::EndTable();
}

void draw_control(View& view, const RegisterFile& now) {
    if (!begin_plain_table("control", 3)) {
        return;
    }
    ImGui::TableNextRow();
    view.named_bits("cr0", [](const RegisterFile& file) { return file.cr0; }, kCr0Names);
    ImGui::TableNextRow();
    view.value("cr2", [](const RegisterFile& file) { return file.cr2; }, NumberFormat::Hex);
    view.note("address of the last page fault");
    ImGui::TableNextRow();
    view.value("cr3", [](const RegisterFile& file) { return file.cr3; }, NumberFormat::Hex);
    view.note("page table root");
    ImGui::TableNextRow();
    view.named_bits("cr4", [](const RegisterFile& file) { return file.cr4; }, kCr4Names);
    ImGui::TableNextRow();
    view.value("cr8", [](const RegisterFile& file) { return file.cr8; }, NumberFormat::Hex);
    view.note("interrupt priority");
    ImGui::TableNextRow();
    view.named_bits("efer", [](const RegisterFile& file) { return file.efer; }, kEferNames);
    ImGui::TableNextRow();
    view.value(
        "kernel_gs", [](const RegisterFile& file) { return file.kernel_gs_base; },
        NumberFormat::Hex);
    view.note("swapgs base");
    ImGui::TableNextRow();
    view.value("gdtr", [](const RegisterFile& file) { return file.gdtr.base; }, NumberFormat::Hex);
    view.note(fmt::format("limit {:04x}", now.gdtr.limit));
    ImGui::TableNextRow();
    view.value("idtr", [](const RegisterFile& file) { return file.idtr.base; }, NumberFormat::Hex);
    view.note(fmt::format("limit {:04x}", now.idtr.limit));
    ImGui::EndTable();
}

void draw_segments(View& view) {
    if (!begin_plain_table("segments", 5)) {
        return;
    }
    for (const char* name : {" ", "selector", "base", "limit", "attributes"}) {
        ImGui::TableSetupColumn(name);
    }
    header_row();
    constexpr std::array<std::pair<std::string_view, Segment RegisterFile::*>, 8> kSegments = {{
        {"cs", &RegisterFile::cs},
        {"ss", &RegisterFile::ss},
        {"ds", &RegisterFile::ds},
        {"es", &RegisterFile::es},
        {"fs", &RegisterFile::fs},
        {"gs", &RegisterFile::gs},
        {"ldtr", &RegisterFile::ldtr},
        {"tr", &RegisterFile::tr},
    }};
    for (const auto& [name, which] : kSegments) {
        ImGui::TableNextRow();
        view.segment(name, which);
    }
    ImGui::EndTable();
}

}  // namespace

void draw_registers(const kernel::SnapshotPtr& snapshot, PanelState& state) {
    constexpr std::array<std::string_view, 3> kFormats = {"hex", "unsigned", "signed"};
    const RegisterFile& now = snapshot->registers;
    View view(now, state.before ? &state.before->registers : nullptr, state);

    int format = static_cast<int>(state.register_format);
    choice_buttons(kFormats, format);
    state.register_format = static_cast<NumberFormat>(format);
    ImGui::SameLine();
    ImGui::AlignTextToFramePadding();
    cell(state, fmt::format("ring {}", now.cpl), Tone::Heading);
    if (state.before) {
        ImGui::SameLine();
        cell(state, "* changed since the last stop", Tone::Changed);
    }

    draw_general(view, state.register_format);
    ImGui::Separator();
    draw_flow(view, *snapshot);
    ImGui::Separator();
    draw_control(view, now);
    ImGui::Separator();
    draw_segments(view);
}

}  // namespace trapgate::gui
