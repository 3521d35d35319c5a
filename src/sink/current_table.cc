// SPDX-License-Identifier: Apache-2.0
#include "sink/current_table.h"

#include <algorithm>
#include <utility>

#include "schema/difference.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "schema/table_sql.h"

namespace sluice {
namespace {

Result<bool> HasObject(Connection& connection, std::string_view type, std::string_view name) {
  Result<Statement> query = connection.Prepare(
      "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE");
  if (!query) return Error(query.error());
  query->BindText(1, type);
  query->BindText(2, name);
  return query->Step();
}

Result<std::vector<std::string>> ColumnsOfIndex(Connection& connection, std::string_view index) {
  Result<Statement> query = connection.Prepare("SELECT name FROM pragma_index_info(?1)");
  if (!query) return Error(query.error());
  query->BindText(1, index);
  std::vector<std::string> columns;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return columns;
    columns.emplace_back(query->Text(0));  // "" for an expression
  }
}

// As the table has it, or nullopt.
Result<std::optional<Index>> ReadIndex(Connection& connection, std::string_view table,
                                       Index index) {
  Result<Statement> query = connection.Prepare(
      "SELECT \"unique\" FROM pragma_index_list(?1) WHERE name = ?2 COLLATE NOCASE");
  if (!query) return Error(query.error());
  query->BindText(1, table);
  query->BindText(2, index.name);
  const Result<bool> row = query->Step();
  if (!row) return Error(row.error());
  if (!*row) return std::optional<Index>();
  index.unique = query->Integer(0) != 0;
  Result<std::vector<std::string>> columns = ColumnsOfIndex(connection, index.name);
  if (!columns) return Error(columns.error());
  if (std::find(columns->begin(), columns->end(), "") == columns->end())
    index.columns = std::move(*columns);
  return std::optional<Index>(std::move(index));
}

Status KeepIndexesThatAreThere(Connection& connection, Table* table) {
  std::vector<Index> there;
  for (Index& stored : table->indexes) {
    Result<std::optional<Index>> index = ReadIndex(connection, table->name, std::move(stored));
    if (!index) return index.error();
    if (index->has_value()) there.push_back(std::move(**index));
  }
  table->indexes = std::move(there);
  return {};
}

Status KeepViewsThatAreThere(Connection& connection, Table* table) {
  std::vector<View> there;
  for (View& view : table->views) {
    const Result<bool> found = HasObject(connection, "view", view.name);
    if (!found) return found.error();
    if (*found) there.push_back(std::move(view));
  }
  table->views = std::move(there);
  return {};
}

// Somebody may have dropped one, and given its name to a table of his own.
Status KeepFullTextsThatAreThere(Connection& connection, Table* table) {
  std::vector<FullText> there;
  for (FullText& full_text : table->full_texts) {
    Result<Statement> query = connection.Prepare(
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE");
    if (!query) return query.error();
    query->BindText(1, full_text.name);
    const Result<bool> row = query->Step();
    if (!row) return row.error();
    if (*row && MakesFullTextOf(query->Text(0), table->name)) there.push_back(std::move(full_text));
  }
  table->full_texts = std::move(there);
  return {};
}

// What a database has, made again without its rows. An object that cannot be made here (a virtual
// table of an extension) is left out, and counted.
Result<size_t> CopySchema(Connection& from, Connection* to) {
  Result<Statement> query = from.Prepare(
      "SELECT sql, type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND sql IS NOT "
      "NULL"
      " AND substr(name, 1, 7) <> 'sqlite_' ORDER BY type, rowid");
  if (!query) return Error(query.error());
  size_t left_out = 0;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return left_out;
    if (to->Execute(query->Text(0)).ok()) continue;
    // A shadow table came with its virtual table.
    const Result<bool> there = HasObject(*to, query->Text(1), query->Text(2));
    if (!there) return Error(there.error());
    if (!*there) ++left_out;
  }
}

// As a run would make it over what is there.
Status MakeWithoutRows(Connection& memory, const Table& table) {
  const Result<bool> there = HasObject(memory, "table", table.name);
  if (!there) return there.error();
  if (!*there) return memory.Execute(CreateTableSql(table));
  for (const Column& column : table.columns) {
    // One that is there already is refused, and stays.
    static_cast<void>(memory.Execute("ALTER TABLE " + QuoteName(table.name) + " ADD COLUMN " +
                                     QuoteName(column.name) + " " + column.declared_type));
  }
  return {};
}

Status DoesNotCompile(const View& view, const std::string& why) {
  return Status::Usage((view.place.empty() ? "" : view.place + ": ") + "the view " + view.name +
                           " does not compile: " + why,
                       "mend its sql: it may name the columns of this schema, and the tables and "
                       "views of the database");
}

Status CompileView(Connection& memory, const View& view) {
  const Result<Statement> compiled = memory.Prepare("SELECT * FROM " + QuoteName(view.name));
  return compiled ? Status() : DoesNotCompile(view, memory.ErrorText());
}

}  // namespace

Result<std::optional<Table>> ReadTable(Connection& connection, Table stored) {
  Result<Statement> query = connection.Prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE");
  if (!query) return Error(query.error());
  query->BindText(1, stored.name);
  const Result<bool> row = query->Step();
  if (!row) return Error(row.error());
  if (!*row) return std::optional<Table>();
  // A virtual table has no columns to read: it is taken as it was stored.
  const std::optional<TableSql> sql = ParseTableSql(query->Text(0));
  Table table = sql ? AsItIs(std::move(stored), *sql) : std::move(stored);
  if (Status s = KeepIndexesThatAreThere(connection, &table); !s.ok()) return Error(s);
  if (Status s = KeepViewsThatAreThere(connection, &table); !s.ok()) return Error(s);
  if (Status s = KeepFullTextsThatAreThere(connection, &table); !s.ok()) return Error(s);
  return std::optional<Table>(std::move(table));
}

Result<bool> HasRows(Connection& connection, std::string_view table) {
  Result<Statement> query = connection.Prepare("SELECT 1 FROM " + QuoteName(table) + " LIMIT 1");
  if (!query) return Error(query.error());
  return query->Step();
}

Result<bool> HasChangedIndex(Connection& connection, const Table& table, const Index& index) {
  const Result<std::optional<Index>> there = ReadIndex(connection, table.name, index);
  if (!there) return Error(there.error());
  if (!there->has_value() || (*there)->unique || index.unique) return false;
  return !std::equal((*there)->columns.begin(), (*there)->columns.end(), index.columns.begin(),
                     index.columns.end(),
                     [](const std::string& a, const std::string& b) { return SameName(a, b); });
}

Status CompileViews(Connection* database, const std::vector<Table>& tables, std::string_view of) {
  Result<Connection> memory = Connection::Open(":memory:", {.mode = OpenOptions::Mode::kCreate});
  if (!memory) return memory.error();
  size_t left_out = 0;
  if (database != nullptr) {
    const Result<size_t> copied = CopySchema(*database, &*memory);
    if (!copied) return copied.error();
    left_out = *copied;
  }
  for (const Table& table : tables) {
    if (Status s = MakeWithoutRows(*memory, table); !s.ok()) return s;
    // Not filled: only their names and columns count here.
    for (const FullText& full_text : table.full_texts)
      static_cast<void>(memory->Execute(CreateFullTextSql(table, full_text).front()));
  }
  for (const Table& table : tables) {
    for (const View& view : table.views) {
      Status s = memory->Execute("DROP VIEW IF EXISTS " + QuoteName(view.name));
      if (s.ok()) s = memory->Execute(CreateViewSql(view));
      if (!s.ok()) return DoesNotCompile(view, memory->ErrorText());
    }
  }
  if (left_out > 0) return {};  // a view may be right about what could not be made here
  for (const Table& table : tables) {
    if (!SameName(table.name, of)) continue;
    for (const View& view : table.views) {
      if (Status s = CompileView(*memory, view); !s.ok()) return s;
    }
  }
  return {};
}

}  // namespace sluice
