# SPDX-License-Identifier: Apache-2.0
# SQLite from the amalgamation, built for one process that loads and queries much (sqlite.org/compile.html).

include(GNUInstallDirs)
set(SLUICE_SQLITE_DIR ${PROJECT_SOURCE_DIR}/.deps/sqlite CACHE PATH "Folder with sqlite3.c and sqlite3.h")
if(NOT EXISTS ${SLUICE_SQLITE_DIR}/sqlite3.c)
  message(FATAL_ERROR
    "no ${SLUICE_SQLITE_DIR}/sqlite3.c: run scripts/setup (make does), or pass -DSLUICE_SYSTEM_SQLITE=ON")
endif()

add_library(sluice_sqlite STATIC ${SLUICE_SQLITE_DIR}/sqlite3.c)
set_target_properties(sluice_sqlite PROPERTIES OUTPUT_NAME sluice_sqlite3 EXPORT_NAME sqlite3)
target_include_directories(sluice_sqlite SYSTEM
  PUBLIC $<BUILD_INTERFACE:${SLUICE_SQLITE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/sluice/sqlite>)
# What is different from Debian's build costs there: SECURE_DELETE overwrites with zeros what is deleted, and no lookaside
# sends each small allocation to malloc. Both are SQLite's own defaults here. The SQLITE_OMIT_… family is left out: it would take
# functions away from an application that links this SQLite.
target_compile_definitions(sluice_sqlite PRIVATE
  # An application may share a connection between its threads, as with Debian's SQLite. Our own connections are opened
  # with SQLITE_OPEN_NOMUTEX, because each belongs to one thread at a time (I3), and then cost what they cost in a build with
  # SQLITE_THREADSAFE=2: 100,000 inserts of 4 columns with an index take 748.6M instructions in both (callgrind), and
  # 796.8M on a serialized connection.
  SQLITE_THREADSAFE=1
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
if(SLUICE_SANITIZE MATCHES "undefined|thread")
  # What SQLite does with its own integers, and between its own threads, is not ours to judge, and clang takes minutes to
  # instrument it. Its use of our memory is: ASan stays.
  target_compile_options(sluice_sqlite PRIVATE -fno-sanitize=undefined,thread)
endif()
