// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Keys that the @extra column of a table holds become columns.
//
//   const auto keys = KeysInExtra(connection, table);        // reads
//   const Table wider = ...;                                 // with a column for each
//   UnfoldExtra(connection, table, wider);                   // in a transaction of the caller
//
// Cost: each reads the whole table once, as far as @extra is not NULL. No index would be worth its
// place: a table is looked through once after each run that left keys there (ledger/unfolded.h).

// The keys in the @extra column for which `table` has no column, in the order of their first
// appearance. Rows whose cell is no JSON object count for nothing.
// Limits: 2,000 keys, which is more than a table can have columns.
Result<std::vector<std::string>> KeysInExtra(Connection& connection, const Table& table);

// Adds the columns that `wider` has behind those of `table`, and moves their values out of @extra:
// a cell is what json_extract gives for the key, and the key leaves @extra, which is NULL where
// nothing is left. Rows without such a key are not written. Returns the number of rows that
// changed, each once for every hundred columns.
//
// It is an UPDATE like any other: the table's UPDATE triggers run, because a full-text index or a
// journal of somebody else's would not be right without it.
// Errors: kConstraint if a trigger refuses. Nothing is there to be undone but the transaction.
Result<uint64_t> UnfoldExtra(Connection& connection, const Table& table, const Table& wider);

}  // namespace sluice
