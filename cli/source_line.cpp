// SPDX-License-Identifier: GPL-2.0-only
#include "cli/source_line.hpp"

#include <fstream>
#include <memory>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "base/files.hpp"

namespace trapgate::cli {
namespace {

struct EndDwfl {
    void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

// The image names its sources from the root of the tree, in whose build/<preset>/bin we are.
std::filesystem::path source_file(const std::string& named) {
    return program_folder() / "../../.." / named;  // An absolute name stays as it is.
}

std::string line_of_file(const std::string& path, unsigned number) {
    std::ifstream file(source_file(path));
    std::string line;
    for (unsigned i = 0; i < number; ++i) {
        if (!std::getline(file, line)) {
            return "";
        }
    }
    const std::size_t begin = line.find_first_not_of(" \t");
    return begin == std::string::npos ? "" : line.substr(begin);
}

std::string last_two_parts(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::size_t before = slash == std::string::npos || slash == 0
                                   ? slash
                                   : path.rfind('/', slash - 1);
    return before == std::string::npos ? path : path.substr(before + 1);
}

struct Function {
    Dwarf_Addr entry = 0;
    std::string file;
    int line = 0;
};

int note_function(Dwarf_Die* die, void* wanted) {
    auto& function = *static_cast<Function*>(wanted);
    Dwarf_Addr entry = 0;
    if (dwarf_entrypc(die, &entry) != 0 || entry != function.entry) {
        return DWARF_CB_OK;
    }
    const char* file = dwarf_decl_file(die);
    if (file == nullptr || dwarf_decl_line(die, &function.line) != 0) {
        return DWARF_CB_OK;
    }
    function.file = file;
    return DWARF_CB_ABORT;
}

}  // namespace

std::optional<SourceLine> find_function_source(const std::filesystem::path& elf, GuestVa entry) {
    Dwfl_Callbacks callbacks{};
    callbacks.find_elf = dwfl_build_id_find_elf;
    callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    callbacks.section_address = dwfl_offline_section_address;
    const std::unique_ptr<Dwfl, EndDwfl> dwfl(dwfl_begin(&callbacks));
    if (dwfl == nullptr || dwfl_report_offline(dwfl.get(), "", elf.c_str(), -1) == nullptr ||
        dwfl_report_end(dwfl.get(), nullptr, nullptr) != 0) {
        return std::nullopt;
    }
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_addrdie(dwfl.get(), entry.value, &bias);
    Function function{entry.value - bias, {}, 0};
    if (unit == nullptr || dwarf_getfuncs(unit, note_function, &function, 0) < 0 ||
        function.file.empty()) {
        return std::nullopt;
    }
    const auto line = static_cast<unsigned>(function.line);
    return SourceLine{last_two_parts(function.file), line, line_of_file(function.file, line)};
}

}  // namespace trapgate::cli
