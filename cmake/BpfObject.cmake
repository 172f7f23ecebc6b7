# SPDX-License-Identifier: GPL-2.0-only
# trapgate_add_bpf_object(NAME SOURCE [INCLUDES dir...] [DEPENDS target...])
# Compiles one eBPF program with clang to share/trapgate/NAME.bpf.o, with BTF, as libbpf wants it; the target is NAME_bpf.
# The minikernel's vmlinux.h is found by itself.
function(trapgate_add_bpf_object name source)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "INCLUDES;DEPENDS")
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    set(object "${TRAPGATE_SHARE_DIR}/${name}.bpf.o")
    set(includes "-I${TRAPGATE_GENERATED_DIR}")
    foreach(folder IN LISTS arg_INCLUDES)
        list(APPEND includes "-I${folder}")
    endforeach()
    file(MAKE_DIRECTORY "${TRAPGATE_SHARE_DIR}")
    add_custom_command(
        OUTPUT "${object}"
        COMMAND "${CLANG_BPF_PROGRAM}" -target bpf -mcpu=v3 -O2 -g -Wall -Werror -D__TARGET_ARCH_x86 ${includes}
                -fdebug-prefix-map=${CMAKE_SOURCE_DIR}=. -MD -MF "${object}.d" -MT "${object}"
                -c "${source}" -o "${object}"
        DEPENDS "${source}" "${TRAPGATE_GENERATED_DIR}/vmlinux.h" ${arg_DEPENDS}
        DEPFILE "${object}.d"
        COMMENT "Compiling eBPF program ${name}.bpf.o"
        VERBATIM)
    add_custom_target(${name}_bpf ALL DEPENDS "${object}")
endfunction()
