# SPDX-License-Identifier: GPL-2.0-only
# Compiler flags, ccache, sanitizers, and where results go. The same flags for every target, so that one
# precompiled header serves them all.

option(TRAPGATE_WERROR "Warnings are errors (./dev and .ci/run set it)" OFF)
option(TRAPGATE_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TRAPGATE_GUI "Build trapgate-gui (needs SDL2 and Dear ImGui)" ON)
option(TRAPGATE_CCACHE "Compile through ccache when it is there" ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

# Assertions stay on (no NDEBUG); -g1 keeps lines for backtraces at a third of -g's link time.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

# -fPIC by hand instead of POSITION_INDEPENDENT_CODE: that property gives programs -fPIE, and a precompiled header
# made with one of the two cannot be used with the other. -fno-semantic-interposition: calls among our own
# functions may be inlined and bound; what emu/engine replaces in libunicorn is not affected.
add_compile_options(-fPIC -fno-semantic-interposition -Wall -Wextra -Wshadow)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wconversion> $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
# GCC 12's optimiser sees these in libstdc++'s own std::string where there is nothing (its bugs 105329 and 105651 among
# others). The sanitizers find the real ones.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds> $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>
                    $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow>)
if(TRAPGATE_WERROR)
    add_compile_options(-Werror)
endif()

if(TRAPGATE_SANITIZE)
    # No -fsanitize=leak of its own: AddressSanitizer brings it along.
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1)
    # GCC's manual: the sanitizers make this warning find what is not there (std::regex, for one).
    add_compile_options(-Wno-maybe-uninitialized)
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
    add_link_options(-fsanitize=address,undefined)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(TRAPGATE_SHARE_DIR "${CMAKE_BINARY_DIR}/share/trapgate")        # guest images, eBPF objects
set(TRAPGATE_GENERATED_DIR "${CMAKE_BINARY_DIR}/roms/generated")    # vmlinux.h of the minikernel
# Programs find libtrapgate.so in the lib folder beside their own, from wherever the tree is moved to.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")

find_program(CCACHE_PROGRAM ccache)
if(TRAPGATE_CCACHE AND CCACHE_PROGRAM)
    # The sloppiness is what ccache's manual asks for with precompiled headers.
    set(launcher "${CMAKE_COMMAND}" -E env
        "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${CCACHE_PROGRAM}")
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
