// SPDX-License-Identifier: GPL-2.0-only
// BPF_OBJ_GET_INFO_BY_FD: one info structure for each class of object. In each, the caller's
// lengths and pointers come in and the true lengths go out; arrays are filled as far as the caller
// has room.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kernel/api/call.hpp"

namespace trapgate::kernel {
namespace {

template <std::size_t N>
void put_name(char (&to)[N], const std::string& name) {
    const std::size_t bytes = std::min(name.size(), N - 1);
    std::memcpy(to, name.data(), bytes);
}

/// Copies as many whole records as the caller has room for; `count` then says how many there are.
template <class T>
bool give_array(Caller& caller, std::uint64_t to, std::uint32_t& count,
                std::span<const T> records) {
    const std::size_t room = std::min<std::size_t>(count, records.size());
    count = static_cast<std::uint32_t>(records.size());
    return room == 0 || to == 0 || caller.write(to, std::as_bytes(records.first(room)));
}

long map_info(Call&, const MapObject& object, bpf_map_info& info) {
    const bpf::MapSpec& spec = object.map->spec();
    info = {};
    info.type = spec.type;
    info.id = object.id();
    info.key_size = spec.key_size;
    info.value_size = spec.value_size;
    info.max_entries = spec.max_entries;
    info.map_flags = spec.map_flags;
    put_name(info.name, spec.name);
    if (object.btf != nullptr) {
        info.btf_id = object.btf->id();
        info.btf_key_type_id = object.btf_key_type;
        info.btf_value_type_id = object.btf_value_type;
    }
    info.map_extra = object.map_extra;
    return 0;
}

/// The instructions as bpftool wants them: maps by id.
std::vector<bpf::Insn> dump_insns(const ProgramObject& program) {
    std::vector<bpf::Insn> insns = program.verified.insns;
    for (std::size_t i = 0; i + 1 < insns.size(); ++i) {
        bpf::Insn& insn = insns[i];
        if (!insn.is_ld_imm64()) {
            continue;
        }
        const bool names_map = insn.src == BPF_PSEUDO_MAP_FD || insn.src == BPF_PSEUDO_MAP_VALUE;
        if (names_map && static_cast<std::size_t>(insn.imm) < program.maps.size()) {
            insn.imm = static_cast<std::int32_t>(
                program.maps[static_cast<std::size_t>(insn.imm)]->id());
        }
        ++i;
    }
    return insns;
}

bool give_code(Caller& caller, std::uint64_t to, std::uint32_t& bytes,
               std::span<const std::byte> code) {
    // All or nothing, as on Linux: a piece of a program is of no use.
    const bool wanted = bytes != 0 && to != 0;
    const bool fits = bytes >= code.size();
    bytes = static_cast<std::uint32_t>(code.size());
    return !wanted || !fits || caller.write(to, code);
}

long program_info(Call& call, const ProgramObject& program, bpf_prog_info& info) {
    const bpf_prog_info asked = info;
    info = {};
    info.type = program.verified.prog_type;
    info.id = program.id();
    std::copy(program.tag.begin(), program.tag.end(), info.tag);
    put_name(info.name, program.name);
    info.gpl_compatible = program.gpl_compatible ? 1 : 0;
    info.load_time = program.load_time_ns;
    info.verified_insns = program.verified.insns_processed;
    info.func_info_rec_size = sizeof(bpf_func_info);
    info.line_info_rec_size = sizeof(bpf_line_info);
    info.jited_line_info_rec_size = sizeof(std::uint64_t);
    if (program.btf != nullptr) {
        info.btf_id = program.btf->id();
    }

    std::vector<std::uint32_t> map_ids;
    for (const auto* maps : {&program.maps, &program.bound_maps}) {
        for (const auto& map : *maps) {
            map_ids.push_back(map->id());
        }
    }
    info.nr_map_ids = asked.nr_map_ids;
    const std::vector<bpf::Insn> insns = dump_insns(program);
    info.xlated_prog_len = asked.xlated_prog_len;
    info.nr_func_info = asked.nr_func_info;
    info.nr_line_info = asked.nr_line_info;
    std::uint32_t func_bytes = asked.nr_func_info * program.func_info_record_bytes;
    std::uint32_t line_bytes = asked.nr_line_info * program.line_info_record_bytes;
    Caller& caller = call.caller;
    bool copied = give_array<std::uint32_t>(caller, asked.map_ids, info.nr_map_ids, map_ids) &&
                  give_code(caller, asked.xlated_prog_insns, info.xlated_prog_len,
                            std::as_bytes(std::span(insns))) &&
                  give_array<std::byte>(caller, asked.func_info, func_bytes, program.func_info) &&
                  give_array<std::byte>(caller, asked.line_info, line_bytes, program.line_info);
    info.nr_func_info = static_cast<std::uint32_t>(program.func_info.size() /
                                                   sizeof(bpf_func_info));
    info.nr_line_info = static_cast<std::uint32_t>(program.line_info.size() /
                                                   sizeof(bpf_line_info));
    if (program.placed != nullptr) {
        const std::uint64_t entry = program.placed->entry().value;
        const auto length = static_cast<std::uint32_t>(program.placed->code().size());
        info.run_cnt = program.placed->runs();
        info.jited_prog_len = asked.jited_prog_len;
        info.nr_jited_ksyms = asked.nr_jited_ksyms;
        info.nr_jited_func_lens = asked.nr_jited_func_lens;
        copied = copied &&
                 give_code(caller, asked.jited_prog_insns, info.jited_prog_len,
                           std::as_bytes(program.placed->code())) &&
                 give_array<std::uint64_t>(caller, asked.jited_ksyms, info.nr_jited_ksyms,
                                           std::span(&entry, 1)) &&
                 give_array<std::uint32_t>(caller, asked.jited_func_lens, info.nr_jited_func_lens,
                                           std::span(&length, 1));
    }
    // Pointers stay as they came.
    info.map_ids = asked.map_ids;
    info.xlated_prog_insns = asked.xlated_prog_insns;
    info.jited_prog_insns = asked.jited_prog_insns;
    info.jited_ksyms = asked.jited_ksyms;
    info.jited_func_lens = asked.jited_func_lens;
    info.func_info = asked.func_info;
    info.line_info = asked.line_info;
    return copied ? 0 : -EFAULT;
}

long btf_info(Call& call, const BtfObject& btf, bpf_btf_info& info) {
    const bpf_btf_info asked = info;
    if ((asked.name == 0) != (asked.name_len == 0)) {
        return -EINVAL;
    }
    info.id = btf.id();
    info.btf_size = static_cast<std::uint32_t>(btf.bytes.size());
    info.kernel_btf = btf.kernel_btf ? 1 : 0;
    info.name_len = static_cast<std::uint32_t>(btf.name.size());
    const std::size_t room = std::min<std::size_t>(asked.btf_size, btf.bytes.size());
    if (!call.caller.write(asked.btf, std::span(btf.bytes).first(asked.btf == 0 ? 0 : room))) {
        return -EFAULT;
    }
    if (asked.name_len == 0) {
        return 0;
    }
    std::string name = btf.name.substr(0, asked.name_len - 1);
    name.push_back('\0');
    if (!call.caller.write(asked.name, std::as_bytes(std::span(name)))) {
        return -EFAULT;
    }
    return asked.name_len > btf.name.size() ? 0 : -ENOSPC;
}

long link_info(Call&, const LinkObject& link, bpf_link_info& info) {
    info = {};
    info.type = BPF_LINK_TYPE_PERF_EVENT;
    info.id = link.id();
    info.prog_id = link.program->id();
    return 0;
}

/// The copying that is the same for all: what the caller has of the structure in, the answer and
/// its length out.
template <class Info, class T>
long answer(Call& call, const T& object, long (*fill)(Call&, const T&, Info&)) {
    const std::uint64_t address = call.attr.info.info;
    const std::uint32_t size = call.attr.info.info_len;
    if (size > kPageBytes) {
        return -E2BIG;
    }
    if (size > sizeof(Info)) {
        const auto zero = call.caller.all_zero(address + sizeof(Info), size - sizeof(Info));
        if (!zero || !*zero) {
            return zero ? -E2BIG : -EFAULT;
        }
    }
    Info info{};
    auto bytes = std::as_writable_bytes(std::span(&info, 1))
                     .first(std::min<std::size_t>(size, sizeof(Info)));
    if (!call.caller.read(address, bytes)) {
        return -EFAULT;
    }
    const long error = fill(call, object, info);
    if (error != 0 && error != -ENOSPC) {
        return error;
    }
    const auto length = static_cast<std::uint32_t>(bytes.size());
    const std::uint64_t length_at = call.attr_address + offsetof(union bpf_attr, info.info_len);
    return call.caller.write(address, bytes) && call.caller.write_value(length_at, length)
               ? error
               : -EFAULT;
}

}  // namespace

long obj_get_info_by_fd(Call& call) {
    const auto found = call.caller.find(static_cast<int>(call.attr.info.bpf_fd));
    if (!found) {
        return found.error() == EBADF ? -EBADFD : -found.error();  // Linux's own oddity.
    }
    const Object* object = found->object.get();
    if (const auto* map = dynamic_cast<const MapObject*>(object)) {
        return answer<bpf_map_info>(call, *map, map_info);
    }
    if (const auto* program = dynamic_cast<const ProgramObject*>(object)) {
        return answer<bpf_prog_info>(call, *program, program_info);
    }
    if (const auto* btf = dynamic_cast<const BtfObject*>(object)) {
        return answer<bpf_btf_info>(call, *btf, btf_info);
    }
    if (const auto* link = dynamic_cast<const LinkObject*>(object)) {
        return answer<bpf_link_info>(call, *link, link_info);
    }
    return -EINVAL;
}

}  // namespace trapgate::kernel
