# SPDX-License-Identifier: GPL-2.0-only
# How a folder becomes a target. Every function globs, so that a new file needs no edit here; a folder that has no
# sources yet is left out.

# One precompiled header of what nearly every file includes; a second one adds GoogleTest.
file(WRITE "${CMAKE_BINARY_DIR}/pch/empty.cpp.new" "")
file(COPY_FILE "${CMAKE_BINARY_DIR}/pch/empty.cpp.new" "${CMAKE_BINARY_DIR}/pch/empty.cpp" ONLY_IF_DIFFERENT)
set(TRAPGATE_PCH <algorithm> <array> <cstddef> <cstdint> <cstring> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <unordered_map> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)

add_library(trapgate_pch OBJECT "${CMAKE_BINARY_DIR}/pch/empty.cpp")
target_link_libraries(trapgate_pch PRIVATE tl::expected fmt::fmt)
target_precompile_headers(trapgate_pch PRIVATE ${TRAPGATE_PCH})

add_library(trapgate_test_pch OBJECT EXCLUDE_FROM_ALL "${CMAKE_BINARY_DIR}/pch/empty.cpp")
target_link_libraries(trapgate_test_pch PRIVATE tl::expected fmt::fmt GTest::gmock)
target_precompile_headers(trapgate_test_pch PRIVATE ${TRAPGATE_PCH} <gtest/gtest.h> <gmock/gmock.h>)

# trapgate_sources(OUT [EXCEPT file-or-folder...]): all .cpp files at or below this folder.
function(trapgate_sources out)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "EXCEPT")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS LIST_DIRECTORIES false "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
    foreach(file IN LISTS arg_EXCEPT)
        set(file_path "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
        foreach(source IN LISTS sources)
            cmake_path(IS_PREFIX file_path "${source}" unwanted)
            if(unwanted)
                list(REMOVE_ITEM sources "${source}")
            endif()
        endforeach()
    endforeach()
    set(${out} ${sources} PARENT_SCOPE)
endfunction()

# trapgate_add_part(NAME [EXCEPT file-or-folder...] [LINK target...]): this folder as the OBJECT library trapgate_NAME. LINK also
# reaches whatever links the part.
function(trapgate_add_part name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "EXCEPT;LINK")
    trapgate_sources(sources EXCEPT ${arg_EXCEPT})
    if(NOT sources)
        return()
    endif()
    add_library(trapgate_${name} OBJECT ${sources})
    target_include_directories(trapgate_${name} PUBLIC "${CMAKE_SOURCE_DIR}")
    target_link_libraries(trapgate_${name} PUBLIC tl::expected fmt::fmt ${arg_LINK})
    target_precompile_headers(trapgate_${name} REUSE_FROM trapgate_pch)
endfunction()

# trapgate_join_library(LIBRARY PART): the part's objects and what it links go into LIBRARY.
function(trapgate_join_library library part)
    if(TARGET trapgate_${part})
        target_link_libraries(${library} PRIVATE trapgate_${part})
    endif()
endfunction()

# trapgate_add_program(NAME [LINK target...]): main.cpp of this folder as the program bin/NAME.
function(trapgate_add_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/main.cpp")
        return()
    endif()
    add_executable(${name} main.cpp)
    target_link_libraries(${name} PRIVATE libtrapgate Threads::Threads)
    foreach(part IN LISTS arg_LINK)
        if(TARGET ${part})
            target_link_libraries(${name} PRIVATE ${part})
        endif()
    endforeach()
    target_compile_definitions(${name} PRIVATE TRAPGATE_VERSION="${PROJECT_VERSION}")
    target_precompile_headers(${name} REUSE_FROM trapgate_pch)
endfunction()

# trapgate_add_tests(NAME [PARTS part...] [LINK target...] [DEPENDS target...] [LABELS label...] [TIMEOUT seconds]
# [EXCEPT file-or-folder...]): the tests in this folder as the program tests/trapgate_NAME_tests. With PARTS they link these
# parts alone, which proves that nothing else is needed; without, all of libtrapgate. Targets that do not exist yet are
# left out. The tests run in the build folder and know TRAPGATE_SOURCE_DIR (the tree), TRAPGATE_BIN_DIR (the programs) and
# TRAPGATE_SHARE_DIR (guest images, eBPF objects).
function(trapgate_add_tests name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "PARTS;LINK;DEPENDS;LABELS;EXCEPT")
    trapgate_sources(sources EXCEPT ${arg_EXCEPT})
    if(NOT sources)
        return()
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(target trapgate_${name}_tests)
    add_executable(${target} ${sources})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
    if(arg_PARTS)
        list(TRANSFORM arg_PARTS PREPEND trapgate_)
    else()
        set(arg_PARTS libtrapgate)
    endif()
    target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest_main Threads::Threads)
    foreach(part IN LISTS arg_PARTS arg_LINK)
        if(NOT part MATCHES "^trapgate_" OR TARGET ${part})
            target_link_libraries(${target} PRIVATE ${part})
        endif()
    endforeach()
    foreach(dependency IN LISTS arg_DEPENDS)
        if(TARGET ${dependency})
            add_dependencies(${target} ${dependency})
        endif()
    endforeach()
    target_compile_definitions(${target} PRIVATE
        TRAPGATE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TRAPGATE_BIN_DIR="${CMAKE_BINARY_DIR}/bin"
        TRAPGATE_SHARE_DIR="${TRAPGATE_SHARE_DIR}")
    target_precompile_headers(${target} REUSE_FROM trapgate_test_pch)
    # PRE_TEST: a test program that cannot even list its tests fails the test run, not the build.
    gtest_discover_tests(${target}
        DISCOVERY_MODE PRE_TEST
        DISCOVERY_TIMEOUT 60
        WORKING_DIRECTORY "${CMAKE_BINARY_DIR}"
        PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${name};${arg_LABELS}")
endfunction()

# trapgate_add_optional_folder(FOLDER): add_subdirectory, once the folder has a CMakeLists.txt.
function(trapgate_add_optional_folder folder)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
        add_subdirectory(${folder})
    endif()
endfunction()
include(GoogleTest)
