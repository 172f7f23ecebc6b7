# SPDX-License-Identifier: GPL-2.0-only
# A copy of the system's libbpf.a in which every call that would reach the host's kernel is renamed to a shim of ours
# (redirected_symbols.txt; kernel/libbpf/shims.cpp). Linked into libtrapgate.so with its own names hidden, so that a
# program that uses libtrapgate.so and a libbpf of its own never meets this one.
pkg_get_variable(LIBBPF_LIBDIR libbpf libdir)
find_library(LIBBPF_ARCHIVE NAMES libbpf.a HINTS "${LIBBPF_LIBDIR}" REQUIRED)

set(redirected "${CMAKE_BINARY_DIR}/lib/libtrapgate_bpf.a")
set(redirections "${CMAKE_CURRENT_LIST_DIR}/redirected_symbols.txt")
add_custom_command(
    OUTPUT "${redirected}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_BINARY_DIR}/lib"
    COMMAND "${CMAKE_OBJCOPY}" "--redefine-syms=${redirections}" "${LIBBPF_ARCHIVE}" "${redirected}"
    DEPENDS "${LIBBPF_ARCHIVE}" "${redirections}"
    COMMENT "Redirecting libbpf's system calls"
    VERBATIM)
add_custom_target(trapgate_libbpf_archive DEPENDS "${redirected}")

# Debian's archive is not position independent where it names stderr, a variable of another library; a hidden variable
# of the same library is within its reach.
add_library(trapgate_libbpf_stderr STATIC "${CMAKE_CURRENT_LIST_DIR}/libbpf_stderr.c")

add_library(trapgate_libbpf INTERFACE)
add_dependencies(trapgate_libbpf trapgate_libbpf_archive)
target_link_libraries(trapgate_libbpf INTERFACE "${redirected}" trapgate_libbpf_stderr PkgConfig::LIBELF ZLIB::ZLIB)
target_link_options(trapgate_libbpf INTERFACE LINKER:--exclude-libs,libtrapgate_bpf.a)
target_include_directories(trapgate_libbpf INTERFACE ${LIBBPF_INCLUDE_DIRS})
