// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "sluice/status.hpp"

namespace sluice {

// Checks of a database that was just built and is not published yet, by SQLite itself.
// Errors: kCorruption says what SQLite found; then the database is not to be published.

// The schema parses, the file has as many pages as its header says, and every table and index gives
// its first and last entry. Then up to 64 rows of each table are looked up by their rowid, and in
// every index of the table by their key; after `at_most` no more of these. Reads a few pages of
// each tree, whatever its size.
Status CheckLightly(const std::string& path, std::chrono::nanoseconds at_most);

// `pragma` is "quick_check" (pages, records and order, without the match of tables and indexes) or
// "integrity_check".
Status CheckThoroughly(const std::string& path, const std::string& pragma);

}  // namespace sluice
