// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// --table: gives the table another name, and its indexes and full-text tables with it, as their
// names are one namespace in a database. Its views and companions go: they speak of the table by
// its old name.
void RenameTable(Table* table, std::string_view name);

// Where a column's values come from, as a schema file says it: "/a/b", "@line".
std::string FromOf(const Column& column);

// By SQLite's rules, from the words of the declared type: "TEXT NOT NULL" is kText, "" is kBlob.
Affinity AffinityOf(std::string_view declared_type);

// The table, then those that have to be made (empty) before its views work, each once.
//
// So that `agent_messages` is one fixed SELECT over the tables of both agents: it works before the
// other agent's first line has come, and is right from that line on. (A view made anew at the end
// of each run, from the tables there are, would be wrong in between and would need code of its
// own.)
Result<std::vector<Table>> WithCompanions(const Table& table);

// DDL, each a statement without its semicolon.
std::string CreateTableSql(const Table& table);
// A unique index is made with the table, before the first row: it decides which rows are refused.
// The others are quicker to make after the rows.
std::string CreateIndexSql(const Table& table, const Index& index);
// As sqlite_schema.sql will hold it, so that the two can be compared: SQLite leaves out the white
// space at the end.
std::string CreateViewSql(const View& view);
// CREATE VIRTUAL TABLE, then what fills it from the table's rows, then the triggers that keep it
// current.
std::vector<std::string> CreateFullTextSql(const Table& table, const FullText& full_text);

// How an INSERT is written.
struct InsertForm {
  // OR FAIL: a refused row ends the statement, but does not undo the rows before it. This also
  // overrides what the table's own triggers and constraints say of a conflict.
  bool or_fail = true;
  // An SQL function without arguments that is true: it is called for each row of kReplace whose key
  // is there already. "" for none.
  std::string replace_guard;
};

// "INSERT INTO t(...) " and `rows`, which gives all columns of the table in their order: VALUES, or
// a SELECT with a WHERE (without one SQLite's grammar takes ON for the beginning of a join).
//
// kIgnore and kReplace speak of the key only: the primary key, or each unique index if there is no
// primary key. A row that breaks another constraint is refused all the same, and a replaced row
// keeps its rowid.
std::string InsertSql(const Table& table, const std::string& rows, const InsertForm& form = {});

}  // namespace sluice
