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
target_compile_definitions(sluice_sqlite PRIVATE
  # Each connection belongs to one thread at a time (I3); SQLite's own mutexes still guard what connections share.
  SQLITE_THREADSAFE=2
  # No statistics mutex in every malloc.
  SQLITE_DEFAULT_MEMSTATUS=0
  # WAL needs no fsync at each commit to stay sound; --durable asks for FULL.
  SQLITE_DEFAULT_WAL_SYNCHRONOUS=1
  # "double-quoted" text is an identifier or an error, never a string by surprise.
  SQLITE_DQS=0
  SQLITE_LIKE_DOESNT_MATCH_BLOBS
  SQLITE_MAX_EXPR_DEPTH=0
  SQLITE_OMIT_DECLTYPE
  SQLITE_OMIT_DEPRECATED
  SQLITE_OMIT_SHARED_CACHE
  SQLITE_USE_ALLOCA
  # Full-text tables, statistics of pages and of columns, for those who query.
  SQLITE_ENABLE_FTS5
  SQLITE_ENABLE_DBSTAT_VTAB
  SQLITE_ENABLE_MATH_FUNCTIONS
  SQLITE_ENABLE_STMTVTAB
  # CREATE INDEX sorts on worker threads too (PRAGMA threads).
  SQLITE_MAX_WORKER_THREADS=8)
target_link_libraries(sluice_sqlite PUBLIC Threads::Threads ${CMAKE_DL_LIBS} m)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(sluice_sqlite PRIVATE -O2 -w)
else()
  target_compile_options(sluice_sqlite PRIVATE -w)
endif()
