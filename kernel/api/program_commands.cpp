// SPDX-License-Identifier: GPL-2.0-only
// BPF_PROG_LOAD and BPF_PROG_BIND_MAP. Loading: copy, resolve map descriptors, verify, place in the
// guest.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bpf/verifier/verifier.hpp"
#include "kernel/api/call.hpp"
#include "kernel/api/log_buffer.hpp"
#include "kernel/api/program_tag.hpp"

namespace trapgate::kernel {
namespace {

constexpr std::uint32_t kMaxInsns = 1'000'000;  // BPF_COMPLEXITY_LIMIT_INSNS
constexpr std::size_t kMaxMaps = 64;            // MAX_USED_MAPS
constexpr std::uint32_t kLastType = BPF_PROG_TYPE_SYSCALL;
constexpr std::size_t kLicenseBytes = 128;
constexpr std::uint32_t kVerifierLevels = 1 | 2 | 4;
constexpr std::uint32_t kKnownFlags = BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT |
                                      BPF_F_SLEEPABLE | BPF_F_TEST_RND_HI32 |
                                      BPF_F_TEST_STATE_FREQ | BPF_F_XDP_HAS_FRAGS;

bool is_gpl_compatible(std::string_view license) {
    constexpr std::array<std::string_view, 6> kCompatible = {
        "GPL",          "GPL v2",       "GPL and additional rights",
        "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    return std::find(kCompatible.begin(), kCompatible.end(), license) != kCompatible.end();
}

/// Program types whose code can run in the guest, so that loading them places it there, as Linux's
/// JIT does.
bool runs_in_guest(std::uint32_t type) {
    return type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_TRACEPOINT ||
           type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_PERF_EVENT;
}

/// The records of func_info or line_info: sizes as check_btf_func and check_btf_line want them.
long copy_info(Call& call, std::uint64_t from, std::uint32_t count, std::uint32_t record_bytes,
               std::uint32_t known_bytes, std::uint32_t max_count, std::vector<std::byte>& to) {
    if (count == 0) {
        return 0;
    }
    if (record_bytes < known_bytes || record_bytes > 252 || record_bytes % 4 != 0 ||
        count > max_count) {
        return call.fail(EINVAL, "a func_info or line_info record has an impossible size");
    }
    to.resize(std::size_t{count} * record_bytes);
    return call.caller.read(from, to) ? 0 : -EFAULT;
}

long copy_btf(Call& call, ProgramObject& program) {
    const union bpf_attr& attr = call.attr;
    if (attr.func_info_cnt == 0 && attr.line_info_cnt == 0) {
        return 0;
    }
    const auto btf = call.caller.object<BtfObject>(static_cast<int>(attr.prog_btf_fd));
    if (!btf) {
        return call.fail(btf.error(), "prog_btf_fd is not a BTF object");
    }
    if ((*btf)->kernel_btf) {
        return call.fail(EACCES, "a program cannot use the kernel's own BTF");
    }
    program.btf = *btf;
    program.func_info_record_bytes = sizeof(bpf_func_info);
    program.line_info_record_bytes = sizeof(bpf_line_info);
    std::vector<std::byte> raw;
    const auto keep = [&raw](std::vector<std::byte>& to, std::size_t given, std::size_t kept) {
        for (std::size_t at = 0; at < raw.size(); at += given) {
            to.insert(to.end(), raw.begin() + static_cast<std::ptrdiff_t>(at),
                      raw.begin() + static_cast<std::ptrdiff_t>(at + kept));
        }
        raw.clear();
    };
    if (const long error = copy_info(call, attr.func_info, attr.func_info_cnt,
                                     attr.func_info_rec_size, sizeof(bpf_func_info), attr.insn_cnt,
                                     raw);
        error != 0) {
        return error;
    }
    keep(program.func_info, attr.func_info_rec_size, sizeof(bpf_func_info));
    if (const long error = copy_info(call, attr.line_info, attr.line_info_cnt,
                                     attr.line_info_rec_size, sizeof(bpf_line_info), attr.insn_cnt,
                                     raw);
        error != 0) {
        return error;
    }
    keep(program.line_info, attr.line_info_rec_size, sizeof(bpf_line_info));
    return 0;
}

/// Turns the map descriptors in 64-bit loads into indices of `program.maps`, which keeps those maps
/// alive. The text for the log when one is wrong.
struct ResolveError {
    int linux_errno;
    std::string log;
};
using Resolved = tl::expected<void, ResolveError>;

Resolved use_map(Call& call, int fd, ProgramObject& program, bpf::Insn& insn) {
    const auto object = call.caller.object<MapObject>(fd);
    if (!object) {
        return tl::unexpected(ResolveError{
            object.error(), fmt::format("fd {} is not pointing to valid bpf_map\n", fd)});
    }
    auto at = std::find(program.maps.begin(), program.maps.end(), *object);
    if (at == program.maps.end()) {
        if (program.maps.size() >= kMaxMaps) {
            return tl::unexpected(
                ResolveError{E2BIG, fmt::format("The total number of maps per program has reached "
                                                "the limit of {}\n",
                                                kMaxMaps)});
        }
        at = program.maps.insert(program.maps.end(), *object);
    }
    insn.imm = static_cast<std::int32_t>(at - program.maps.begin());
    return {};
}

Resolved resolve_maps(Call& call, std::vector<bpf::Insn>& insns, ProgramObject& program) {
    for (std::size_t i = 0; i < insns.size(); ++i) {
        bpf::Insn& insn = insns[i];
        if (!insn.is_ld_imm64()) {
            continue;
        }
        const bool by_index = insn.src == BPF_PSEUDO_MAP_IDX ||
                              insn.src == BPF_PSEUDO_MAP_IDX_VALUE;
        const bool by_fd = insn.src == BPF_PSEUDO_MAP_FD || insn.src == BPF_PSEUDO_MAP_VALUE;
        if ((by_fd || by_index) && i + 1 < insns.size()) {
            int fd = insn.imm;
            if (by_index) {
                const std::uint64_t from = call.attr.fd_array +
                                           static_cast<std::uint64_t>(
                                               static_cast<std::uint32_t>(insn.imm)) *
                                               sizeof(int);
                if (call.attr.fd_array == 0) {
                    return tl::unexpected(
                        ResolveError{EPROTO, "fd_idx without fd_array is invalid\n"});
                }
                if (!call.caller.read_value(from, fd)) {
                    return tl::unexpected(ResolveError{EFAULT, {}});
                }
                insn.src = insn.src == BPF_PSEUDO_MAP_IDX ? BPF_PSEUDO_MAP_FD
                                                          : BPF_PSEUDO_MAP_VALUE;
            }
            if (auto used = use_map(call, fd, program, insn); !used) {
                return used;
            }
        }
        ++i;
    }
    return {};
}

/// Resolves and verifies; the program's parts are filled in, the log is whatever the verifier said.
long check_program(Call& call, std::vector<bpf::Insn> insns, std::uint32_t log_level,
                   ProgramObject& program, std::string& log) {
    program.tag = program_tag(insns);
    if (const Resolved resolved = resolve_maps(call, insns, program); !resolved) {
        log = resolved.error().log;
        return call.fail(resolved.error().linux_errno,
                         "a map descriptor in the program is not valid", program.name);
    }
    std::vector<const bpf::Map*> maps;
    maps.reserve(program.maps.size());
    for (const auto& object : program.maps) {
        maps.push_back(object->map.get());
    }
    bpf::VerifierAnswer answer = bpf::verify({.prog_type = call.attr.prog_type,
                                              .insns = insns,
                                              .maps = maps,
                                              .gpl_compatible = program.gpl_compatible,
                                              .log_level = log_level,
                                              .prog_flags = call.attr.prog_flags});
    log = std::move(answer.log);
    if (!answer.verdict) {
        return call.fail(answer.verdict.error());
    }
    program.verified = std::move(*answer.verdict);
    return 0;
}

long place_program(Call& call, ProgramObject& program) {
    if (!runs_in_guest(program.verified.prog_type)) {
        return 0;
    }
    std::vector<std::shared_ptr<bpf::Map>> maps;
    maps.reserve(program.maps.size());
    for (const auto& object : program.maps) {
        maps.push_back(object->map);
    }
    auto placed = call.probes().place(program.name, program.verified, std::move(maps));
    if (!placed) {
        return call.fail(placed.error());
    }
    program.placed = std::move(*placed);
    return 0;
}

}  // namespace

long prog_load(Call& call) {
    const union bpf_attr& attr = call.attr;
    if ((attr.prog_flags & ~kKnownFlags) != 0) {
        return call.fail(EINVAL, "unknown flags");
    }
    const auto license = call.caller.read_string(attr.license, kLicenseBytes);
    if (!license) {
        return -EFAULT;
    }
    if (attr.insn_cnt == 0 || attr.insn_cnt > kMaxInsns) {
        return call.fail(E2BIG, "a program has 1 to 1000000 instructions");
    }
    if (attr.prog_type == BPF_PROG_TYPE_UNSPEC || attr.prog_type > kLastType) {
        return call.fail(EINVAL, "no such program type");
    }
    if (attr.attach_btf_id != 0 || attr.attach_prog_fd != 0 || attr.prog_ifindex != 0) {
        return call.fail(EINVAL, "programs of this type attach to nothing when they are loaded");
    }
    if (attr.core_relo_cnt != 0) {
        return call.fail(EINVAL, "relocations are done by the loader, not by this kernel");
    }
    auto program = std::make_shared<ProgramObject>();
    std::vector<bpf::Insn> insns(attr.insn_cnt);
    if (!call.caller.read(attr.insns, std::as_writable_bytes(std::span(insns)))) {
        return -EFAULT;
    }
    Result<std::string> name = object_name(attr.prog_name);
    if (!name) {
        return call.fail(name.error());
    }
    program->name = std::move(*name);
    program->gpl_compatible = is_gpl_compatible(*license);
    program->expected_attach_type = attr.expected_attach_type;
    program->load_time_ns = call.kernel.guest().now_ns();

    const LogBuffer log_buffer(attr.log_level, attr.log_size, attr.log_buf);
    if (!log_buffer.valid()) {
        return call.fail(EINVAL, "the log's buffer, size and level do not fit together");
    }
    std::string log;
    long error = copy_btf(call, *program);
    if (error == 0) {
        error = check_program(call, std::move(insns), log_buffer.level() & kVerifierLevels,
                              *program, log);
    }
    if (const long log_error = log_buffer.finish(call.caller, log); log_error != 0) {
        return log_error;
    }
    if (error == 0) {
        error = place_program(call, *program);
    }
    if (error != 0) {
        return error;
    }
    call.programs().add(program);
    return install(call, std::move(program));
}

long prog_bind_map(Call& call) {
    const auto& attr = call.attr.prog_bind_map;
    if (attr.flags != 0) {
        return -EINVAL;
    }
    const auto program = call.caller.object<ProgramObject>(static_cast<int>(attr.prog_fd));
    if (!program) {
        return -program.error();
    }
    const auto map = call.caller.object<MapObject>(static_cast<int>(attr.map_fd));
    if (!map) {
        return -map.error();
    }
    const auto has = [&map](const auto& maps) {
        return std::find(maps.begin(), maps.end(), *map) != maps.end();
    };
    if (!has((*program)->maps) && !has((*program)->bound_maps)) {
        (*program)->bound_maps.push_back(*map);
    }
    return 0;
}

}  // namespace trapgate::kernel
