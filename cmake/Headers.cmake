# SPDX-License-Identifier: GPL-2.0-only
# Proof that each header is self-contained: a source file per header that includes it first (and twice, for #pragma
# once), compiled without precompiled headers. Included last: it wants to see every part's libraries.
option(TRAPGATE_CHECK_HEADERS "Compile each header alone" ON)
if(TRAPGATE_CHECK_HEADERS)
    set(sources "")
    foreach(folder IN ITEMS base cpu emu bpf kernel labs cli gui tests)
        file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/${folder}/*.hpp")
        if(folder STREQUAL gui AND NOT TRAPGATE_GUI)
            continue()
        endif()
        foreach(header IN LISTS headers)
            set(source "${CMAKE_BINARY_DIR}/headers/${header}.cpp")
            file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
            list(APPEND sources "${source}")
        endforeach()
    endforeach()
    add_library(trapgate_headers OBJECT ${sources})
    target_include_directories(trapgate_headers PRIVATE "${CMAKE_SOURCE_DIR}")
    target_compile_options(trapgate_headers PRIVATE -O0 -g0 -Wno-unused-function)
    target_compile_definitions(trapgate_headers PRIVATE  # as trapgate_add_tests gives them
        TRAPGATE_SOURCE_DIR="" TRAPGATE_BIN_DIR="" TRAPGATE_SHARE_DIR="")
    target_link_libraries(trapgate_headers PRIVATE
        tl::expected fmt::fmt Zydis::Zydis Unicorn::Unicorn nlohmann_json::nlohmann_json CLI11::CLI11 GTest::gmock)
    if(TRAPGATE_GUI)
        target_link_libraries(trapgate_headers PRIVATE PkgConfig::IMGUI SDL2::SDL2 PkgConfig::STB)
    endif()
endif()
