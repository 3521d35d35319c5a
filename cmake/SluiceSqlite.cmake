# SPDX-License-Identifier: Apache-2.0
# SQLite from the amalgamation, built for one process that loads and queries much (sqlite.org/compile.html).

set(SLUICE_SQLITE_DIR ${PROJECT_SOURCE_DIR}/.deps/sqlite CACHE PATH "Folder with sqlite3.c and sqlite3.h")
if(NOT EXISTS ${SLUICE_SQLITE_DIR}/sqlite3.c)
  message(FATAL_ERROR
    "no ${SLUICE_SQLITE_DIR}/sqlite3.c: run scripts/setup (make does), or pass -DSLUICE_SYSTEM_SQLITE=ON")
endif()

add_library(sluice_sqlite STATIC ${SLUICE_SQLITE_DIR}/sqlite3.c)
set_target_properties(sluice_sqlite PROPERTIES OUTPUT_NAME sluice_sqlite3 EXPORT_NAME sqlite3)
target_include_directories(sluice_sqlite SYSTEM
  PUBLIC $<BUILD_INTERFACE:${SLUICE_SQLITE_DIR}> $<INSTALL_INTERFACE:include/sluice/sqlite>)
# Measured with sse_reference (300,000 lines; CPU seconds of inserting and of building 7 indexes; docs/benchmarks.md):
#   as Debian builds it (SECURE_DELETE, no lookaside, serialized)   0.79  1.43
#   SQLite's own defaults                                           0.66  0.78
#   these options                                                   0.64  0.80
# -O3 (0.65) and link-time optimisation (0.63) gave nothing that repeats, nor did the SQLITE_OMIT_… family, which would
# also take functions away from an application that links this SQLite. So they are left out.
target_compile_definitions(sluice_sqlite PRIVATE
  # Each connection belongs to one thread at a time (I3): no mutex around every call, 4 % of an insert.
  SQLITE_THREADSAFE=2
  # No statistics mutex in every malloc.
  SQLITE_DEFAULT_MEMSTATUS=0
  # WAL needs no sync at each commit to stay sound; --durable asks for FULL.
  SQLITE_DEFAULT_WAL_SYNCHRONOUS=1
  # "double-quoted" text is an identifier or an error, never a string by surprise.
  SQLITE_DQS=0
  # Linux has both: one system call a page instead of two, and no write of a file's times at each sync.
  USE_PREAD=1
  HAVE_FDATASYNC=1
  # CREATE INDEX may sort on worker threads too (PRAGMA threads).
  SQLITE_MAX_WORKER_THREADS=8
  # For those who query: full-text tables, mathematics, how many pages a table has, which statements are prepared.
  SQLITE_ENABLE_FTS5
  SQLITE_ENABLE_MATH_FUNCTIONS
  SQLITE_ENABLE_DBSTAT_VTAB
  SQLITE_ENABLE_STMTVTAB
  # An application's database may hold such tables; without the module a check of it says "no such module".
  SQLITE_ENABLE_RTREE
  SQLITE_ENABLE_FTS4)
target_link_libraries(sluice_sqlite PUBLIC Threads::Threads ${CMAKE_DL_LIBS} m)
target_compile_options(sluice_sqlite PRIVATE -w)
if(SLUICE_SANITIZE MATCHES "undefined")
  # What SQLite does with its own integers is not ours to judge, and clang takes minutes to instrument it.
  target_compile_options(sluice_sqlite PRIVATE -fno-sanitize=undefined)
endif()
