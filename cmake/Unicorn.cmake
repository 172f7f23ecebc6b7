# SPDX-License-Identifier: GPL-2.0-only
# Makes Unicorn::Unicorn, the CPU engine, version 2.1.4 exactly: emu/engine relies on how this version works inside.
# In order:
#   1. TRAPGATE_UNICORN_ROOT, a prefix the user names (the folder that holds include/ and lib/); wrong there = an error
#   2. an installed Unicorn, if it is the right version
#   3. Debian's packages, unpacked once into build/deps (fetch_unicorn.sh)
#   4. upstream's sources, when Debian's suites have moved on
set(TRAPGATE_UNICORN_VERSION 2.1.4)
set(TRAPGATE_UNICORN_ROOT "" CACHE PATH "Prefix of a Unicorn 2.1.4 to use instead of looking for one")
# Outside the presets' folders: one download serves them all and survives ./dev clean.
set(TRAPGATE_DEPS_DIR "${CMAKE_SOURCE_DIR}/build/deps" CACHE PATH "Where downloads are kept")

# trapgate_unicorn_version(OUT LIBRARY INCLUDE_DIR): "library headers" versions, or "" when it does not even load.
function(trapgate_unicorn_version out library include_dir)
    try_run(status built
        SOURCES "${CMAKE_SOURCE_DIR}/cmake/unicorn_version.c"
        CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${include_dir}"
        LINK_LIBRARIES "${library}"
        RUN_OUTPUT_VARIABLE text
        NO_CACHE)
    if(built AND status EQUAL 0)
        set(${out} "${text}" PARENT_SCOPE)
    else()
        set(${out} "" PARENT_SCOPE)
    endif()
endfunction()

# trapgate_accept_unicorn(OUT LIBRARY INCLUDE_DIR WHERE): whether this one is right; says why not.
function(trapgate_accept_unicorn out library include_dir where)
    trapgate_unicorn_version(versions "${library}" "${include_dir}")
    set(wanted "${TRAPGATE_UNICORN_VERSION} ${TRAPGATE_UNICORN_VERSION}")
    if(versions STREQUAL wanted)
        message(STATUS "Unicorn ${TRAPGATE_UNICORN_VERSION}: ${where}")
        set(${out} TRUE PARENT_SCOPE)
    else()
        if(versions STREQUAL "")
            set(versions "one that does not load")
        endif()
        message(STATUS "Unicorn at ${where} is (library, headers) ${versions}; needed is ${TRAPGATE_UNICORN_VERSION}: not used")
        set(${out} FALSE PARENT_SCOPE)
    endif()
endfunction()

# trapgate_find_unicorn_in(PREFIX): sets found_library and found_include, also for a Debian tree below usr/.
macro(trapgate_find_unicorn_in prefix)
    unset(found_library)
    unset(found_include)
    find_library(found_library NAMES libunicorn.so.2 unicorn NO_CACHE NO_DEFAULT_PATH
        PATHS "${prefix}" PATH_SUFFIXES lib usr/lib/x86_64-linux-gnu usr/lib lib/x86_64-linux-gnu lib64)
    find_path(found_include NAMES unicorn/unicorn.h NO_CACHE NO_DEFAULT_PATH
        PATHS "${prefix}" PATH_SUFFIXES include usr/include)
endmacro()

set(unicorn_private FALSE)  # Does it have to travel with us?
set(unicorn_library "")

if(TRAPGATE_UNICORN_ROOT)
    trapgate_find_unicorn_in("${TRAPGATE_UNICORN_ROOT}")
    if(NOT found_library OR NOT found_include)
        message(FATAL_ERROR "TRAPGATE_UNICORN_ROOT=${TRAPGATE_UNICORN_ROOT} holds no Unicorn: "
                            "expected lib/libunicorn.so.2 and include/unicorn/unicorn.h below it")
    endif()
    trapgate_accept_unicorn(accepted "${found_library}" "${found_include}" "${TRAPGATE_UNICORN_ROOT}")
    if(NOT accepted)
        message(FATAL_ERROR "TRAPGATE_UNICORN_ROOT=${TRAPGATE_UNICORN_ROOT} is not Unicorn ${TRAPGATE_UNICORN_VERSION}. "
                            "Name the right one, or leave TRAPGATE_UNICORN_ROOT empty to have it fetched.")
    endif()
    set(unicorn_library "${found_library}")
    set(unicorn_include "${found_include}")
    set(unicorn_private TRUE)
endif()

if(NOT unicorn_library)
    find_library(installed_library NAMES unicorn NO_CACHE)
    find_path(installed_include NAMES unicorn/unicorn.h NO_CACHE)
    if(installed_library AND installed_include)
        trapgate_accept_unicorn(accepted "${installed_library}" "${installed_include}" "${installed_library}")
        if(accepted)
            set(unicorn_library "${installed_library}")
            set(unicorn_include "${installed_include}")
        endif()
    endif()
endif()

if(NOT unicorn_library)
    set(debian_root "${TRAPGATE_DEPS_DIR}/unicorn-${TRAPGATE_UNICORN_VERSION}")
    if(NOT EXISTS "${debian_root}/usr/include/unicorn/unicorn.h")
        message(STATUS "Fetching Unicorn ${TRAPGATE_UNICORN_VERSION} (Debian packages, once)")
        execute_process(COMMAND "${CMAKE_SOURCE_DIR}/cmake/fetch_unicorn.sh" "${debian_root}")
    endif()
    trapgate_find_unicorn_in("${debian_root}")
    if(found_library AND found_include)
        trapgate_accept_unicorn(accepted "${found_library}" "${found_include}" "${debian_root}")
        if(NOT accepted)
            message(FATAL_ERROR "${debian_root} is not what it should be: delete this folder and try again")
        endif()
        set(unicorn_library "${found_library}")
        set(unicorn_include "${found_include}")
        set(unicorn_private TRUE)
    endif()
endif()

if(unicorn_library)
    add_library(Unicorn::Unicorn SHARED IMPORTED GLOBAL)
    if(unicorn_private)
        # A private copy beside libtrapgate.so, which looks there first ($ORIGIN).
        file(REAL_PATH "${unicorn_library}" unicorn_file)
        set(unicorn_library "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libunicorn.so.2")
        file(MAKE_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
        file(COPY_FILE "${unicorn_file}" "${unicorn_library}" ONLY_IF_DIFFERENT)
    endif()
    set_target_properties(Unicorn::Unicorn PROPERTIES
        IMPORTED_LOCATION "${unicorn_library}"
        INTERFACE_INCLUDE_DIRECTORIES "${unicorn_include}")
else()
    include(UnicornFromSource)
endif()
