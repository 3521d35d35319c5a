# SPDX-License-Identifier: Apache-2.0
# Warnings are errors, in our own code only: dependencies are included as SYSTEM.

add_library(sluice_options INTERFACE)
target_compile_options(sluice_options INTERFACE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Werror
  # Designated initializers name what they set; every other member has its default beside it.
  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(sluice_options INTERFACE -Wthread-safety)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 warns of its own standard library when it has inlined enough of it (PR 105329, PR 105651).
  # And of designated initializers that leave members to their defaults, which is what those are for.
  target_compile_options(sluice_options INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-missing-field-initializers)
endif()

if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
endif()
if(SLUICE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# No -march: a binary must run on any x86-64 or arm64 of its distribution. The one place where wide vectors pay,
# parsing JSON, chooses its code when it starts (simdjson).
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")  # SQLite, as its own build has it

# -O3, and -DSLUICE_LTO=ON, which optimises the program as a whole at link time (gcc, Release): of the user time of
# `sluice ingest` over 3M lines of sse_generate, -O3 takes away 3 %, and both together 4-9 % (medians of five to seven
# runs each in turns).
# The library's objects are then fat: they hold machine code too, for an installed libsluice.a, whose link-time half is taken
# off when it is installed. The test binary links the link-time half, in a minute of processor time: with -fno-lto GNU ld 2.40
# takes members of such an archive twice.
set(SLUICE_OPTIMISES_AT_LINK OFF)
if(SLUICE_LTO AND NOT SLUICE_SANITIZE AND NOT SLUICE_FUZZ AND CMAKE_BUILD_TYPE STREQUAL "Release"
    AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(SLUICE_OPTIMISES_AT_LINK ON)
endif()

function(sluice_optimise)
  if(NOT SLUICE_OPTIMISES_AT_LINK)
    return()
  endif()
  target_compile_options(sluice_lib PRIVATE -flto=auto -ffat-lto-objects)
  target_compile_options(sluice PRIVATE -flto=auto -fno-fat-lto-objects)
  # As above: gcc warns of its own standard library.
  target_link_options(sluice PRIVATE -flto=auto -Wno-stringop-overflow)
  if(SLUICE_TESTS)
    target_link_options(sluice_tests PRIVATE -Wno-stringop-overflow)
  endif()
endfunction()
