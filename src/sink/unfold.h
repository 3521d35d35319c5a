// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sink/extract_function.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Keys that the @extra column of a table holds become columns.
//
//   const auto keys = KeysInExtra(connection, table);        // reads
//   const Table wider = ...;                                 // with a column for each
//   UnfoldExtra(connection, table, wider, rules);            // in a transaction of the caller
//
// Cost: each reads the whole table once, as far as @extra is not NULL. No index would be worth its
// place: a table is looked through once after each run that left keys there (ledger/unfolded.h).

// The keys in the @extra column for which `table` has no column, in the order of their first
// appearance. Rows whose cell is no JSON object count for nothing.
// Limits: 2,000 keys, which is more than a table can have columns.
Result<std::vector<std::string>> KeysInExtra(Connection& connection, const Table& table);

// What the room that knows JSON lends to unfolding.
struct UnfoldRules {
  // The table with a column for each key that can be one; `columns` are all that the table has.
  std::function<std::optional<Table>(const Table& table, const std::vector<std::string>& keys,
                                     const std::vector<std::string>& columns)>
      widen;
  // Lifetime: the table outlives what is returned.
  std::function<ExtractFunction(const Table& table)> extractor_of;
  const StopToken* stop = nullptr;              // asked every few thousand rows
  std::function<void(uint64_t rows)> progress;  // told as often how many were looked at
};

// Adds the columns that `wider` has behind those of `table`, and moves their values out of @extra:
// each cell of it is extracted as if it were a line, so a new cell is what json_extract gives for
// the key. The key leaves @extra, which is NULL where nothing is left. Rows without such a key are
// not written. Returns the number of rows that changed. The work grows with the bytes of @extra.
//
// It is an UPDATE like any other: the table's UPDATE triggers run, because a full-text index or a
// journal of somebody else's would not be right without it.
// Errors: kConstraint if a trigger refuses; kUnsupported if the rows of the table cannot be named
// (WITHOUT ROWID, or columns called rowid, oid and _rowid_); kCancelled. After an error the caller
// rolls back.
Result<uint64_t> UnfoldExtra(Connection& connection, const Table& table, const Table& wider,
                             const UnfoldRules& rules);

}  // namespace sluice
