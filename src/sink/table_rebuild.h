// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/difference.h"
#include "schema/table_sql.h"
#include "sink/extract_function.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "sqlite/connection.h"

namespace sluice {

// What is to become of a table.
struct TableChange {
  Table current;  // as it is (ReadTable)
  Table wanted;   // fitted to it
  std::vector<SchemaChange> changes;

  // Columns of `wanted` whose values are extracted anew from the raw line of each row, which stands
  // in the column `line_column` of `current`; empty for none.
  std::vector<std::string> refilled;
  std::string line_column;
  ExtractFunction extract;  // of `wanted`

  // Columns of `wanted` that take the values of another column of `current`: {new, old}.
  std::vector<std::pair<std::string, std::string>> copied;
};

// The step of SQLite's procedure for changes that ALTER TABLE does not make
// (sqlite.org/lang_altertable.html, 7) that costs something: the table is written anew, row by row,
// under another name, and takes the place of the old one. Rows keep their rowids. What the schema
// does not speak of (columns of others, CHECK, REFERENCES, STRICT) is kept.
//
// Runs within the caller's transaction, with foreign keys off. Indexes and triggers of the old
// table go with it. Errors: kConstraint with a count and an example if rows do not fit; whatever
// the error, the caller rolls back.
class TableRebuild {
 public:
  using Progress = std::function<void(uint64_t rows, uint64_t rows_total)>;

  TableRebuild(Connection* connection, const TableChange& change, const StopToken& stop,
               Progress progress);

  Status Run();
  uint64_t rows() const { return rows_; }

 private:
  // A column of the new table and where its values come from: an expression over the old table, or
  // a cell (`parameter`, counted from 1) of the line.
  struct Feed {
    std::string column;
    std::string expression;
    size_t cell = 0;  // index in wanted.columns
    int parameter = 0;
  };

  Status ReadOldTable();
  void EditColumns();
  void EditKey();
  Status CheckDropped() const;
  Status MakeNewTable();
  void PlanFeeds();
  Status CheckNotNull();
  bool IsInNewKey(std::string_view column) const;
  bool KeyIsRowid() const;
  std::string KeyExpression(const std::string& column) const;
  Status CheckKey();
  Status CheckKeyColumn(const std::string& column, const std::string& expression);
  Status CheckKeyIsUnique();
  Status WhyNotCopied(const Status& failed) const;
  std::string ReasonOfSqlite() const;
  bool IsRetyped(const Column& column) const;
  Status CopyRows();
  Status CopyRange(int64_t first, int64_t last);
  Status RefillRange(int64_t first, int64_t last);
  Status PrepareCopy();
  Status KeepCounter();
  Status CheckRoundTrips();
  Status CheckRoundTrip(const Column& old, const Column& column);
  bool IsRefilled(std::string_view column) const;
  std::string RowidOf(const TableSql& table) const;

  Connection* connection_;
  const TableChange& change_;
  const StopToken& stop_;
  Progress progress_;
  TableSql old_;
  TableSql new_;
  std::string new_name_;
  std::string old_rowid_;      // a name that means the rowid there
  std::string new_rowid_;      // "" if rows get new ones
  bool key_is_rowid_ = false;  // a new key of one INTEGER column: it renumbers the rows
  std::vector<Feed> feeds_;
  Statement copy_;
  Statement lines_;  // of a range, with their rowids
  uint64_t rows_ = 0;
  uint64_t refused_ = 0;
  std::string first_refusal_;
};

}  // namespace sluice
