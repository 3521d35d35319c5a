// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sluice/status.hpp"

struct sqlite3;

namespace sluice {

// SqliteError() of connection.h, for a connection that may not know its path (its open failed).
Status SqliteErrorAt(const std::string& path, sqlite3* db, int code, std::string_view doing);

// Whether a sync failed: from then on nobody knows what is on the disk (I8).
bool IsFailedSync(int code);

// What every call on a condemned connection returns.
Status CondemnedConnection(sqlite3* db);

// "SQLITE_IOERR_FSYNC"; "SQLITE_IOERR (extended code 1234)" for those that have no name here.
std::string SqliteCodeName(int extended_code);

}  // namespace sluice
