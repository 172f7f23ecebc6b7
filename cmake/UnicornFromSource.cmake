# SPDX-License-Identifier: GPL-2.0-only
# The last resort: upstream's 2.1.4, pinned by the hash of its archive, built for x86 only. Position-independent calls
# must stay replaceable, hence no -Bsymbolic and no hidden visibility.
message(STATUS "Building Unicorn ${TRAPGATE_UNICORN_VERSION} from upstream's sources (a few minutes, once)")
set(upstream_source "${TRAPGATE_DEPS_DIR}/unicorn-upstream-source/unicorn-${TRAPGATE_UNICORN_VERSION}")
if(NOT EXISTS "${upstream_source}/CMakeLists.txt")
    set(upstream_url "https://github.com/unicorn-engine/unicorn/archive/refs/tags/${TRAPGATE_UNICORN_VERSION}.tar.gz")
    set(upstream_archive "${TRAPGATE_DEPS_DIR}/unicorn-${TRAPGATE_UNICORN_VERSION}.tar.gz")
    file(DOWNLOAD "${upstream_url}" "${upstream_archive}" STATUS status INACTIVITY_TIMEOUT 60)
    list(POP_FRONT status code reason)
    if(code EQUAL 0)
        file(SHA256 "${upstream_archive}" digest)
        if(NOT digest STREQUAL "ea8863f095a0136388694e5a6063afd9bb7650e30243dd6251af59c5ce5601f4")
            set(code 1)
            set(reason "the archive's SHA-256 is ${digest}, not the one that is pinned")
        endif()
    endif()
    if(NOT code EQUAL 0)
        file(REMOVE "${upstream_archive}")
        message(FATAL_ERROR "No Unicorn ${TRAPGATE_UNICORN_VERSION} to be had: Debian's archive did not give it (see above), and "
                            "${upstream_url} failed: ${reason}. Check the network, or name a prefix that has it: "
                            "-DTRAPGATE_UNICORN_ROOT=...")
    endif()
    file(ARCHIVE_EXTRACT INPUT "${upstream_archive}" DESTINATION "${TRAPGATE_DEPS_DIR}/unicorn-upstream-source")
endif()

# Built at configure time, in a process of its own: its targets and flags stay out of ours, and what comes out is
# judged like any other Unicorn.
set(upstream_build "${TRAPGATE_DEPS_DIR}/unicorn-upstream-build")
set(upstream_prefix "${TRAPGATE_DEPS_DIR}/unicorn-upstream")
if(NOT EXISTS "${upstream_prefix}/include/unicorn/unicorn.h")
    foreach(step IN ITEMS configure build install)
        if(step STREQUAL configure)
            set(command "${CMAKE_COMMAND}" -S "${upstream_source}" -B "${upstream_build}" -G Ninja
                -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DUNICORN_ARCH=x86 -DUNICORN_BUILD_TESTS=OFF
                "-DCMAKE_INSTALL_PREFIX=${upstream_prefix}" -DCMAKE_INSTALL_LIBDIR=lib)
        else()
            set(command "${CMAKE_COMMAND}" --build "${upstream_build}")
            if(step STREQUAL install)
                list(APPEND command --target install)
            endif()
        endif()
        execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_QUIET)
        if(NOT status EQUAL 0)
            message(FATAL_ERROR "Unicorn ${TRAPGATE_UNICORN_VERSION} did not build from source (${step}). Name a prefix that "
                                "has it: -DTRAPGATE_UNICORN_ROOT=...")
        endif()
    endforeach()
endif()

trapgate_find_unicorn_in("${upstream_prefix}")
trapgate_accept_unicorn(accepted "${found_library}" "${found_include}" "${upstream_prefix}")
if(NOT accepted)
    message(FATAL_ERROR "${upstream_prefix} is not Unicorn ${TRAPGATE_UNICORN_VERSION}: delete this folder and try again")
endif()
file(REAL_PATH "${found_library}" unicorn_file)
set(unicorn_library "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libunicorn.so.2")
file(MAKE_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
file(COPY_FILE "${unicorn_file}" "${unicorn_library}" ONLY_IF_DIFFERENT)
add_library(Unicorn::Unicorn SHARED IMPORTED GLOBAL)
set_target_properties(Unicorn::Unicorn PROPERTIES
    IMPORTED_LOCATION "${unicorn_library}"
    INTERFACE_INCLUDE_DIRECTORIES "${found_include}")
