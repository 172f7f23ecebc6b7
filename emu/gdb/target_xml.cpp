// SPDX-License-Identifier: GPL-2.0-only
#include "emu/gdb/target_xml.hpp"

#include <fmt/format.h>

namespace trapgate::emu::gdb {

std::string memory_map() {
    return "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory "
           "Map V1.0//EN\" \"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n<memory-map>\n"
           "<memory type=\"ram\" start=\"0x0\" length=\"0x800000000000\"/>\n"
           "<memory type=\"ram\" start=\"0xffff800000000000\" length=\"0x800000000000\"/>\n"
           "</memory-map>\n";
}

std::string thread_text(const Machine& machine, unsigned cpu) {
    return fmt::format("CPU#{} [{}]", cpu, machine.halted(cpu) ? "halted" : "running");
}

std::string thread_list(const Machine& machine) {
    std::string xml = "<?xml version=\"1.0\"?>\n<threads>\n";
    for (unsigned cpu = 0; cpu < machine.cpu_count(); ++cpu) {
        xml += fmt::format("<thread id=\"{:x}\" core=\"{}\">{}</thread>\n", cpu + 1, cpu,
                           thread_text(machine, cpu));
    }
    return xml + "</threads>\n";
}

}  // namespace trapgate::emu::gdb
