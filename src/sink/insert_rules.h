// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// What a table of a database demands of how rows are inserted: read from its schema as it is now.
// Another program may have made the table, or may give it triggers at any time.
struct InsertRules {
  // A row is only ever refused by NOT NULL or by a key (and by a wrong type of a rowid, or by its
  // size), which SQLite finds out before it stores anything of the row, and while it reads that
  // row. Not so with triggers, and with any expression that may fail: CHECK, a generated column, a
  // default, an index on an expression or a partial one. An ON CONFLICT clause of the table itself
  // says what becomes of a row, and an INSERT OR FAIL would override it.
  bool is_simple = false;
  size_t unique_keys = 0;  // the primary key is one of them
  bool has_triggers = false;
  // A row may roll back the whole transaction: a trigger, or a constraint of the table, says
  // ROLLBACK.
  bool may_roll_back = false;
  // sqlite3_changes() does not count what INSTEAD OF triggers do.
  bool is_view = false;
  // journal_mode=OFF: a savepoint could not be rolled back.
  bool has_journal = true;
  // Which of the columns to be filled is the table's INTEGER PRIMARY KEY: any other value than an
  // integer may be refused.
  std::optional<size_t> rowid_column;
};

Result<InsertRules> ReadInsertRules(Connection& connection, const Table& table);

}  // namespace sluice
