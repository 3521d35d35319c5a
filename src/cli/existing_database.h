// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Opens a database to read from it. kNotFound where there is none, kUsage for a directory: SQLite
// itself says "unable to open database file" of both.
Result<Connection> OpenExisting(const std::string& path);

// kUsage for a file that begins as JSON does: the arguments may be swapped. Before it is opened.
Status IsNoJson(const std::string& path);

// kNotFound where sluice has never ingested into it.
Status HasLedger(Connection& connection);

}  // namespace sluice
