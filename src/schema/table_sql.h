// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A CREATE TABLE statement taken apart, as sqlite_schema has it: also one that another program
// wrote. What a schema file cannot say (CHECK, REFERENCES, columns of others) is kept as text.
struct TableSql {
  struct Item {
    std::string column;  // "" for a constraint of the table
    std::string text;    // what follows the column's name, or the constraint
  };
  std::vector<Item> items;  // in their order: columns first
  std::string options;      // after the ')': "STRICT", "WITHOUT ROWID", ""
};

// nullopt if the text is no CREATE TABLE with columns in parentheses. Comments are left out.
std::optional<TableSql> ParseTableSql(std::string_view create_table);

// CREATE TABLE with another name.
std::string CreateTableSql(const TableSql& table, std::string_view name);

// Whether a column's definition or a table's constraint names this column of the table: in a CHECK,
// a key, the expression of a generated column. What REFERENCES names is of another table.
bool NamesColumn(std::string_view definition, std::string_view column);

// The columns of UPDATE OF in a CREATE TRIGGER; none if it has no such list.
std::vector<std::string> UpdateColumnsOf(std::string_view create_trigger);

// The name of the table whose text an FTS3, FTS4 or FTS5 table indexes (its `content` option); ""
// if it keeps its own text, or if the statement makes no full-text table.
std::string FullTextContentOf(std::string_view create_virtual_table);

// Whether the statement makes an FTS5 table over the text of this table, as a schema's full text
// is.
bool MakesFullTextOf(std::string_view create_virtual_table, std::string_view table);

}  // namespace sluice
