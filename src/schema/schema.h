// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "schema/table.h"

namespace sluice {

// A schema file (docs/schemas.md), read and checked. `name` is how messages call it.
// Errors: kUsage, "file:line: what" and the remedy: an unknown key, a bad pointer, a name twice, an
// index on no column, ... What comes back passes CheckTable.
Result<Table> ParseSchema(std::string_view toml, std::string_view name);
Result<Table> LoadSchema(const std::string& path);

// The table as a schema file, which ParseSchema reads to the same Table if it passes CheckTable.
std::string ToToml(const Table& table);

// Whether the table can be made: for tables that were put together by hand (--pk, --table, `auto`).
Status CheckTable(const Table& table);

// --table: gives the table another name, and its indexes and full-text tables with it, as their
// names are one namespace in a database. Its views and companions go: they speak of the table by
// its old name.
void RenameTable(Table* table, std::string_view name);

// By SQLite's rules, from the words of the declared type: "TEXT NOT NULL" is kText, "" is kBlob.
Affinity AffinityOf(std::string_view declared_type);

// The presets, in the order in which `schema list` names them.
struct Preset {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view toml;
};
const std::vector<Preset>& Presets();
// kUsage with the names there are, when there is none of that name.
Result<Table> LoadPreset(std::string_view name);

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
std::string CreateViewSql(const View& view);
// CREATE VIRTUAL TABLE, then what fills it from the table's rows, then the triggers that keep it
// current.
std::vector<std::string> CreateFullTextSql(const Table& table, const FullText& full_text);

// "INSERT INTO t(...) VALUES (?, ...)", one parameter a column.
//
// kIgnore is ON CONFLICT DO NOTHING, not OR IGNORE, which would pass over a row that breaks a NOT
// NULL in silence too; kReplace is OR REPLACE.
std::string InsertSql(const Table& table);

// What a person should think over: an index on text that may be large, ... One line each.
std::vector<std::string> SchemaWarnings(const Table& table);

}  // namespace sluice
