// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "schema/table.h"

namespace sluice {

// A schema file, read and checked. `name` is how messages call it: "path:line: unknown key 'colunms'".
// Errors: kUsage, with file:line and the remedy: an unknown key, a bad pointer, a name twice, an index on no column, ...
Result<Table> ParseSchema(std::string_view toml, std::string_view name);
Result<Table> LoadSchema(const std::string& path);

// The table as a schema file, which ParseSchema reads to the same Table.
std::string ToToml(const Table& table);

// The presets, in the order in which `schema list` names them.
struct Preset {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view toml;
};
const std::vector<Preset>& Presets();
// kUsage with the names there are, when there is none of that name.
Result<Table> LoadPreset(std::string_view name);

// DDL, each a statement without its semicolon.
std::string CreateTableSql(const Table& table);
std::string CreateIndexSql(const Table& table, const Index& index);
std::string CreateViewSql(const View& view);
// CREATE VIRTUAL TABLE …, then what fills it from the table's rows, then the triggers that keep it current.
std::vector<std::string> CreateFullTextSql(const Table& table, const FullText& full_text);
// "INSERT INTO t(...) VALUES (?, ...)", one parameter a column, with OR IGNORE where asked (REPLACE is an upsert-free OR REPLACE).
std::string InsertSql(const Table& table);

// What a person should think over: an index on a TEXT column that may hold large text, ... One line each.
std::vector<std::string> SchemaWarnings(const Table& table);

}  // namespace sluice
