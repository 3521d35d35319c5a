// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sluice/status.hpp"

namespace sluice {

// Checks of a database that was just built and is not published yet, by SQLite itself.
// Errors: kCorruption says what SQLite found; then the database is not to be published.

// The schema parses, the file has as many pages as its header says, and every table and index can
// be opened and gives its first and last entry. Reads a few pages of each, whatever their size.
Status CheckLightly(const std::string& path);

// `pragma` is "quick_check" (pages, records and order, without the match of tables and indexes) or
// "integrity_check".
Status CheckThoroughly(const std::string& path, const std::string& pragma);

}  // namespace sluice
