// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// The table as the database has it: `stored` with the definitions of its columns and the columns of
// its indexes as they are there, and without what is not there. nullopt if there is no such table.
Result<std::optional<Table>> ReadTable(Connection& connection, Table stored);

Result<bool> HasRows(Connection& connection, std::string_view table);

// Whether the table has an index of this name that is neither unique nor on these columns.
Result<bool> HasChangedIndex(Connection& connection, const Table& table, const Index& index);

// Compiles the views of the table `of` in a copy of the database's schema to which `tables` were
// added. `database` may be null: one that is made anew. kUsage with the place of the first view
// that names a table or column that is not there.
Status CompileViews(Connection* database, const std::vector<Table>& tables, std::string_view of);

}  // namespace sluice
