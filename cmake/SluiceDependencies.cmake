# SPDX-License-Identifier: Apache-2.0
# Every dependency is a Debian package, but SQLite: Debian's 3.40.1 has the WAL-reset bug
# (sqlite.org/wal.html, "The WAL Reset Bug"), so the amalgamation that scripts/setup fetched is built.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(simdjson REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)

if(SLUICE_SYSTEM_SQLITE)
  find_package(SQLite3 REQUIRED)
  add_library(sluice_sqlite INTERFACE)
  set_target_properties(sluice_sqlite PROPERTIES EXPORT_NAME sqlite3)
  target_link_libraries(sluice_sqlite INTERFACE SQLite::SQLite3)
else()
  include(SluiceSqlite)
endif()

set(SLUICE_LIBRARY_DEPENDENCIES
  sluice_sqlite simdjson::simdjson fmt::fmt ZLIB::ZLIB PkgConfig::zstd PkgConfig::xxhash
  PkgConfig::tomlplusplus Threads::Threads)
set(SLUICE_CLI_DEPENDENCIES CLI11::CLI11 spdlog::spdlog)
if(SLUICE_TESTS)
  find_package(GTest REQUIRED)
  set(SLUICE_TEST_DEPENDENCIES GTest::gtest GTest::gmock)
endif()
