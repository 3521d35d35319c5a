// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/table_sql.h"
#include "sluice/schema.hpp"

namespace sluice {

// One thing in which a schema differs from the table that is there.
struct SchemaChange {
  enum class Kind : uint8_t {
    kAddColumn,
    kDropColumn,
    kRetype,        // the type itself: INTEGER becomes TEXT
    kWiden,         // NOT NULL goes
    kNarrow,        // NOT NULL comes
    kRedefine,      // DEFAULT or COLLATE
    kRepoint,       // `from`
    kKey,           // the primary key, or the rowid column
    kAddIndex,      // also a unique one: it is made if no rows are double by it
    kChangeIndex,   // its columns; it is not unique, and was not
    kChangeUnique,  // of an index that is, or was, unique
    kDropIndex,
    kDropUnique,
    kAddView,
    kChangeView,
    kDropView,
    kAddFullText,
    kChangeFullText,
    kDropFullText,
    kRule,  // what becomes of new lines: on_conflict, any_json, keep_strings_out
  };
  Kind kind = Kind::kAddColumn;
  std::string name;  // of the column, index, view or full-text table
  std::string text;  // for people: "column a: INTEGER becomes TEXT"
};

// Who makes a change.
enum class ChangedBy : uint8_t {
  kRun,          // each run, before its first row: no row that is there changes
  kApplyLeft,    // ApplySchema; a run leaves what the schema no longer lists as it is, and goes on
  kApply,        // ApplySchema; this and what follows ends a run with an error
  kApplyDrop,    // ApplySchema when told to drop columns
  kApplyRefill,  // ApplySchema: rows get values from their raw lines, or only new lines change
};
ChangedBy WhoMakes(SchemaChange::Kind kind);

// What would have to be done to a table that is `current` to make it `wanted`: columns first, then
// keys, indexes, views, full text, rules. The order of columns is no difference. Both are of one
// name.
std::vector<SchemaChange> Compare(const Table& current, const Table& wanted);

// "column a: …; column b: …; and 3 more": at most `limit` of them.
std::string TextOf(const std::vector<SchemaChange>& changes, size_t limit = 5);

// The stored schema with the columns that the table really has: definitions are those of `sql`,
// columns that are not there are left out.
Table AsItIs(Table stored, const TableSql& sql);

// `wanted` over a table that is there. A schema without a primary key takes the table's. A table
// that was there before sluice keeps its owner's definitions.
Table Fitted(Table wanted, const Table& current);

// `wanted` and whatever of indexes (if `with_indexes`), views and full text only `current` has:
// what is there after a run by `wanted`.
Table WithWhatIsLeft(Table wanted, const Table& current, bool with_indexes);

// `current` with what `preset` has more: columns, indexes, views, full text. A view of both is the
// preset's. So a newer preset never changes what an older one made, and never fails.
Table Merged(const Table& current, const Table& preset);

// Whether SQLite can add the column only to a table without rows: NOT NULL without a default.
bool NeedsEmptyTable(const Column& column);

}  // namespace sluice
