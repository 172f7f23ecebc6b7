// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/registers.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/check.hpp"
#include "emu/gdb/register_types.hpp"

namespace trapgate::emu::gdb {
namespace {

using cpu::Gpr;
using cpu::Segment;

enum class Kind : std::uint8_t {
    Gpr,
    Rip,
    Eflags,
    Selector,
    X87,         ///< st0-7
    X87Control,  ///< fctrl and the seven behind it
    Xmm,
    Mxcsr,
    FsBase,
    GsBase,
    KernelGsBase,
    Cr0,
    Cr2,
    Cr3,
    Cr4,
    Cr8,
    Efer,
};

struct Register {
    std::string name;
    unsigned bits;
    std::string_view type;
    Kind kind;
    unsigned index = 0;  ///< Among those of its kind.
    std::string_view group{};
};

struct Feature {
    std::string_view name;
    std::string_view types;
    std::vector<Register> registers;
};

// gdb's order of the general registers is not that of the encoding.
constexpr std::array kGprs{Gpr::Rax, Gpr::Rbx, Gpr::Rcx, Gpr::Rdx, Gpr::Rsi, Gpr::Rdi,
                           Gpr::Rbp, Gpr::Rsp, Gpr::R8,  Gpr::R9,  Gpr::R10, Gpr::R11,
                           Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15};
constexpr std::array<std::string_view, 6> kSelectors{"cs", "ss", "ds", "es", "fs", "gs"};
constexpr std::array<std::string_view, 8> kX87Control{"fctrl", "fstat", "ftag",  "fiseg",
                                                      "fioff", "foseg", "fooff", "fop"};

Feature core_feature() {
    Feature core{"org.gnu.gdb.i386.core", kCoreTypes, {}};
    for (unsigned i = 0; i < kGprs.size(); ++i) {
        const bool pointer = kGprs[i] == Gpr::Rbp || kGprs[i] == Gpr::Rsp;
        core.registers.push_back({std::string(cpu::gpr_name(kGprs[i])), 64,
                                  pointer ? "data_ptr" : "int64", Kind::Gpr, i});
    }
    core.registers.push_back({"rip", 64, "code_ptr", Kind::Rip});
    core.registers.push_back({"eflags", 32, "i386_eflags", Kind::Eflags});
    for (unsigned i = 0; i < kSelectors.size(); ++i) {
        core.registers.push_back({std::string(kSelectors[i]), 32, "int32", Kind::Selector, i});
    }
    for (unsigned i = 0; i < 8; ++i) {
        core.registers.push_back({fmt::format("st{}", i), 80, "i387_ext", Kind::X87, i});
    }
    for (unsigned i = 0; i < kX87Control.size(); ++i) {
        core.registers.push_back(
            {std::string(kX87Control[i]), 32, "int", Kind::X87Control, i, "float"});
    }
    return core;
}

const std::vector<Feature>& features() {
    static const std::vector<Feature> kFeatures = [] {
        std::vector<Feature> all{core_feature()};
        Feature sse{"org.gnu.gdb.i386.sse", kSseTypes, {}};
        for (unsigned i = 0; i < 16; ++i) {
            sse.registers.push_back({fmt::format("xmm{}", i), 128, "vec128", Kind::Xmm, i});
        }
        sse.registers.push_back({"mxcsr", 32, "i386_mxcsr", Kind::Mxcsr, 0, "vector"});
        all.push_back(std::move(sse));
        all.push_back(
            {"org.gnu.gdb.i386.segments",
             "",
             {{"fs_base", 64, "int64", Kind::FsBase}, {"gs_base", 64, "int64", Kind::GsBase}}});
        all.push_back({"org.trapgate.i386.system",
                       kSystemTypes,
                       {{"k_gs_base", 64, "int64", Kind::KernelGsBase},
                        {"cr0", 64, "x64_cr0", Kind::Cr0},
                        {"cr2", 64, "int64", Kind::Cr2},
                        {"cr3", 64, "x64_cr3", Kind::Cr3},
                        {"cr4", 64, "x64_cr4", Kind::Cr4},
                        {"cr8", 64, "int64", Kind::Cr8},
                        {"efer", 64, "x64_efer", Kind::Efer}}});
        return all;
    }();
    return kFeatures;
}

const std::vector<const Register*>& registers() {
    static const std::vector<const Register*> kAll = [] {
        std::vector<const Register*> all;
        for (const Feature& feature : features()) {
            for (const Register& entry : feature.registers) {
                all.push_back(&entry);
            }
        }
        TG_CHECK(all.size() == kRegisterCount, "kRegisterCount is wrong");
        return all;
    }();
    return kAll;
}

std::vector<std::byte> bytes_of(std::uint64_t value, unsigned bits) {
    std::vector<std::byte> bytes(bits / 8);
    std::memcpy(bytes.data(), &value, std::min(bytes.size(), sizeof(value)));
    return bytes;
}

std::uint64_t value_of(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
    return value;
}

std::uint64_t selector(const cpu::RegisterFile& file, unsigned index) {
    const std::array<const Segment*, 6> segments{&file.cs, &file.ss, &file.ds,
                                                 &file.es, &file.fs, &file.gs};
    return segments.at(index)->selector;
}

// The instruction and operand pointers are not kept by the engine: zero, as after FNINIT.
std::uint64_t x87_control(const cpu::FpuState& fpu, unsigned index) {
    switch (index) {
        case 0: return fpu.control;
        case 1: return fpu.status;
        case 2: return fpu.tag;
        default: return 0;
    }
}

std::uint64_t plain_value(const RegisterValues& values, const Register& entry) {
    const cpu::RegisterFile& file = values.file;
    switch (entry.kind) {
        case Kind::Gpr: return file[kGprs.at(entry.index)];
        case Kind::Rip: return file.rip;
        case Kind::Eflags: return file.rflags;
        case Kind::Selector: return selector(file, entry.index);
        case Kind::X87Control: return x87_control(values.fpu, entry.index);
        case Kind::Mxcsr: return values.fpu.mxcsr;
        case Kind::FsBase: return file.fs.base;
        case Kind::GsBase: return file.gs.base;
        case Kind::KernelGsBase: return file.kernel_gs_base;
        case Kind::Cr0: return file.cr0;
        case Kind::Cr2: return file.cr2;
        case Kind::Cr3: return file.cr3;
        case Kind::Cr4: return file.cr4;
        case Kind::Cr8: return file.cr8;
        case Kind::Efer: return file.efer;
        case Kind::X87:
        case Kind::Xmm: break;
    }
    TG_CHECK(false, "a register without a plain value");
    return 0;
}

bool write_fpu(Cpu& cpu, const Register& entry, std::span<const std::byte> bytes) {
    cpu::FpuState fpu = cpu.fpu();
    const std::uint64_t value = value_of(bytes);
    if (entry.kind == Kind::X87) {
        std::ranges::copy(bytes, fpu.st.at(entry.index).begin());
    } else if (entry.kind == Kind::Xmm) {
        std::ranges::copy(bytes, fpu.xmm.at(entry.index).begin());
    } else if (entry.kind == Kind::Mxcsr) {
        constexpr std::uint32_t kWritable = 0xffff;  // The rest is #GP in LDMXCSR.
        fpu.mxcsr = static_cast<std::uint32_t>(value) & kWritable;
    } else {
        const std::array<std::uint16_t*, 3> words{&fpu.control, &fpu.status, &fpu.tag};
        if (entry.index >= words.size()) {
            return false;
        }
        *words.at(entry.index) = static_cast<std::uint16_t>(value);
    }
    cpu.set_fpu(fpu);
    return true;
}

// Registers that only come with the hidden parts of all segments.
bool write_through_file(Cpu& cpu, Kind kind, std::uint64_t value) {
    constexpr std::uint32_t kDescriptorLong = 1U << 21;
    cpu::RegisterFile file = cpu.registers();
    switch (kind) {
        case Kind::FsBase: file.fs.base = value; break;
        case Kind::GsBase: file.gs.base = value; break;
        case Kind::KernelGsBase: file.kernel_gs_base = value; break;
        case Kind::Cr2: file.cr2 = value; break;
        case Kind::Cr3: file.cr3 = value; break;
        default: return false;
    }
    if ((file.cs.attributes & kDescriptorLong) == 0) {
        return false;
    }
    cpu.set_registers(file);
    return true;
}

}  // namespace

RegisterValues read_registers(const Cpu& cpu) { return {cpu.registers(), cpu.fpu()}; }

std::vector<std::byte> register_bytes(const RegisterValues& values, std::size_t number) {
    const Register& entry = *registers().at(number);
    if (entry.kind == Kind::X87) {
        const auto& st = values.fpu.st.at(entry.index);
        return {st.begin(), st.end()};
    }
    if (entry.kind == Kind::Xmm) {
        const auto& xmm = values.fpu.xmm.at(entry.index);
        return {xmm.begin(), xmm.end()};
    }
    return bytes_of(plain_value(values, entry), entry.bits);
}

std::vector<std::byte> all_register_bytes(const RegisterValues& values) {
    std::vector<std::byte> all;
    for (std::size_t number = 0; number < kRegisterCount; ++number) {
        const std::vector<std::byte> bytes = register_bytes(values, number);
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
}

bool write_register(Cpu& cpu, std::size_t number, std::span<const std::byte> bytes) {
    if (number >= kRegisterCount || bytes.size() != registers()[number]->bits / 8) {
        return false;
    }
    const Register& entry = *registers()[number];
    const std::uint64_t value = value_of(bytes);
    switch (entry.kind) {
        case Kind::Gpr: cpu.set_gpr(kGprs.at(entry.index), value); return true;
        case Kind::Rip: cpu.set_rip({value}); return true;
        case Kind::Eflags: {
            constexpr std::uint64_t kWritable = 0x25'7fd5;  // Without VM and virtual interrupts.
            cpu.set_rflags((value & kWritable) | cpu::rflags::kFixed);
            return true;
        }
        case Kind::X87:
        case Kind::X87Control:
        case Kind::Xmm:
        case Kind::Mxcsr: return write_fpu(cpu, entry, bytes);
        default: return write_through_file(cpu, entry.kind, value);
    }
}

bool write_all_registers(Cpu& cpu, std::span<const std::byte> bytes) {
    const RegisterValues before = read_registers(cpu);
    std::size_t at = 0;
    for (std::size_t number = 0; number < kRegisterCount; ++number) {
        const std::size_t size = registers()[number]->bits / 8;
        if (bytes.size() - at < size) {
            return false;
        }
        const std::span<const std::byte> wanted = bytes.subspan(at, size);
        at += size;
        if (!std::ranges::equal(wanted, register_bytes(before, number)) &&
            !write_register(cpu, number, wanted)) {
            return false;
        }
    }
    return at == bytes.size();
}

std::string target_description() {
    std::string xml =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
        "<target version=\"1.0\">\n<architecture>i386:x86-64</architecture>\n";
    for (const Feature& feature : features()) {
        xml += fmt::format("<feature name=\"{}\">\n{}", feature.name, feature.types);
        for (const Register& entry : feature.registers) {
            xml += fmt::format(
                "<reg name=\"{}\" bitsize=\"{}\" type=\"{}\"{}/>\n", entry.name, entry.bits,
                entry.type, entry.group.empty() ? "" : fmt::format(" group=\"{}\"", entry.group));
        }
        xml += "</feature>\n";
    }
    return xml + "</target>\n";
}

}  // namespace trapgate::emu::gdb
