// SPDX-License-Identifier: Apache-2.0
#include "sink/schema_checks.h"

#include <algorithm>
#include <utility>

#include "schema/names.h"
#include "schema/table_sql.h"

namespace sluice {
namespace {

// What a SchemaState calls the statements that fire triggers, before the table's name.
constexpr std::string_view kInsert = "INSERT into ";
constexpr std::string_view kDelete = "DELETE from ";
constexpr std::string_view kUpdate = "UPDATE of ";

Result<std::vector<std::string>> Names(Connection& connection, const std::string& sql,
                                       std::string_view parameter = "") {
  Result<Statement> query = connection.Prepare(sql);
  if (!query) return Error(query.error());
  if (query->parameters() > 0) query->BindText(1, parameter);
  std::vector<std::string> names;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    names.emplace_back(query->Text(0));
  }
}

// To compile a statement is to compile the triggers that it would fire.
//
// A fault is no word about the statement. It may also have ended the transaction, and what followed
// would then be done for good, one statement at a time.
Status CompileInto(Connection& connection, const std::string& sql, std::string* error) {
  const Result<Statement> compiled = connection.Prepare(sql);
  *error = compiled ? "" : connection.ErrorText();
  if (compiled || (!IsFault(compiled.error()) && connection.in_transaction())) return {};
  return compiled.error();
}

Status NoteErrorOf(Connection& connection, const std::string& what, const std::string& sql,
                   SchemaState* state) {
  if (Status s = CompileInto(connection, sql, &state->errors[what]); !s.ok()) return s;
  const bool strings = connection.AllowStringsInDoubleQuotes(false);
  Status strict = CompileInto(connection, sql, &state->strict_errors[what]);
  connection.AllowStringsInDoubleQuotes(strings);
  return strict;
}

// UPDATE OF a column that is gone compiles, and never fires.
Status NoteUpdateColumns(Connection& connection, const std::string& table, SchemaState* state) {
  const Result<std::vector<std::string>> columns =
      Names(connection, "SELECT name FROM pragma_table_xinfo(?1)", table);
  if (!columns) return columns.error();
  Result<Statement> query = connection.Prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE "
      "NOCASE");
  if (!query) return query.error();
  query->BindText(1, table);
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return row.error();
    if (!*row) return {};
    std::string& error = state->errors["trigger " + std::string(query->Text(0))];
    for (const std::string& name : UpdateColumnsOf(query->Text(1))) {
      const bool is_there = std::any_of(columns->begin(), columns->end(),
                                        [&](const auto& column) { return SameName(column, name); });
      if (!is_there) error = "UPDATE OF a column that is not there: " + name;
    }
  }
}

// The statements that fire the triggers of a table or view.
Status NoteTriggersOf(Connection& connection, const std::string& table, SchemaState* state) {
  const std::string quoted = QuoteName(table);
  std::pair<std::string_view, std::string> events[] = {
      {kInsert, "INSERT INTO " + quoted + " DEFAULT VALUES"},
      {kDelete, "DELETE FROM " + quoted},
      {kUpdate, "UPDATE " + quoted + " SET "}};
  const Result<std::vector<std::string>> columns =
      Names(connection, "SELECT name FROM pragma_table_info(?1)", table);
  if (columns) {
    std::string set;
    for (const std::string& column : *columns) {
      set += (set.empty() ? "" : ", ") + QuoteName(column) + " = " + QuoteName(column);
    }
    events[2].second += set;
    if (Status s = NoteUpdateColumns(connection, table, state); !s.ok()) return s;
  } else {
    // A view that does not compile has no columns, and none of its triggers compiles.
    for (auto& [event, sql] : events) sql = "SELECT * FROM " + quoted;
  }
  for (const auto& [event, sql] : events) {
    if (Status s = NoteErrorOf(connection, std::string(event) + table, sql, state); !s.ok())
      return s;
  }
  return {};
}

Status ReadTriggers(Connection& connection, SchemaState* state) {
  const Result<std::vector<std::string>> tables = Names(
      connection, "SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1");
  if (!tables) return tables.error();
  for (const std::string& table : *tables) {
    if (Status s = NoteTriggersOf(connection, table, state); !s.ok()) return s;
  }
  return {};
}

// One table at a time: what is wrong with the keys of one hides nothing of the others. Only of
// tables that have some, as the check reads every row.
Status ReadForeignKeys(Connection& connection, SchemaState* state) {
  const Result<std::vector<std::string>> tables =
      Names(connection,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%REFERENCES%'"
            " AND substr(name, 1, 8) <> '_sluice_' ORDER BY 1");
  if (!tables) return tables.error();
  for (const std::string& table : *tables) {
    Result<Statement> query =
        connection.Prepare("SELECT count(*) FROM pragma_foreign_key_check(?1)");
    if (!query) return query.error();
    query->BindText(1, table);
    const Result<bool> row = query->Step();
    std::string& error = state->errors["foreign keys of " + table];
    if (row) {
      state->broken_keys[table] = static_cast<uint64_t>(query->Integer(0));
    } else if (IsFault(row.error()) || !connection.in_transaction()) {
      return row.error();
    } else {
      error = connection.ErrorText();
    }
  }
  return {};
}

std::string TriggersOf(Connection& connection, const std::string& table) {
  const Result<std::vector<std::string>> names =
      Names(connection,
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE "
            "NOCASE",
            table);
  std::string list;
  if (names) {
    for (const std::string& name : *names) list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

// The first statement that compiled, and does not any more.
Status CompareErrors(Connection& connection, const std::map<std::string, std::string>& before,
                     const std::map<std::string, std::string>& now) {
  for (const auto& [what, error] : now) {
    const auto old = before.find(what);
    if (error.empty() || (old != before.end() && !old->second.empty())) continue;
    std::string triggers;
    for (const std::string_view event : {kInsert, kDelete, kUpdate}) {
      if (what.starts_with(event))
        triggers = " (triggers: " + TriggersOf(connection, what.substr(event.size())) + ")";
    }
    return Status::Usage(what + triggers + " would not compile any more: " + error,
                         "mend or drop it first, or keep the columns that it names");
  }
  return {};
}

Status CompareErrors(Connection& connection, const SchemaState& before, const SchemaState& now) {
  Status s = CompareErrors(connection, before.errors, now.errors);
  return s.ok() ? CompareErrors(connection, before.strict_errors, now.strict_errors) : s;
}

Status CompareKeys(const SchemaState& before, const SchemaState& now) {
  for (const auto& [table, rows] : now.broken_keys) {
    const auto old = before.broken_keys.find(table);
    if (old == before.broken_keys.end() || rows <= old->second) continue;
    const uint64_t more = rows - old->second;
    return {StatusCode::kConstraint,
            std::to_string(more) + (more == 1 ? " row of " : " rows of ") + table +
                " would break a foreign key",
            "PRAGMA foreign_key_check lists what is broken already"};
  }
  return {};
}

}  // namespace

bool IsFault(const Status& status) {
  switch (status.code()) {
    case StatusCode::kIo:
    case StatusCode::kFull:
    case StatusCode::kBusy:
    case StatusCode::kCorruption:
    case StatusCode::kCancelled:
    case StatusCode::kExhausted:
      return true;
    default:
      return false;
  }
}

Result<SchemaState> ReadSchemaState(Connection& connection) {
  SchemaState state;
  const Result<std::vector<std::string>> views =
      Names(connection, "SELECT name FROM sqlite_schema WHERE type = 'view'");
  if (!views) return Error(views.error());
  for (const std::string& view : *views) {
    Status s = NoteErrorOf(connection, "view " + view, "SELECT * FROM " + QuoteName(view), &state);
    if (!s.ok()) return Error(s);
  }
  if (Status s = ReadTriggers(connection, &state); !s.ok()) return Error(s);
  if (Status s = ReadForeignKeys(connection, &state); !s.ok()) return Error(s);
  return state;
}

Status CheckAgainst(Connection& connection, const SchemaState& before) {
  const Result<SchemaState> now = ReadSchemaState(connection);
  if (!now) return now.error();
  if (Status s = CompareErrors(connection, before, *now); !s.ok()) return s;
  return CompareKeys(before, *now);
}

Result<SchemaState> ReadTriggerState(Connection& connection, const std::string& table) {
  SchemaState state;
  if (Status s = NoteTriggersOf(connection, table, &state); !s.ok()) return Error(s);
  return state;
}

Status CheckTriggersAgainst(Connection& connection, const std::string& table,
                            const SchemaState& before) {
  const Result<SchemaState> now = ReadTriggerState(connection, table);
  return now ? CompareErrors(connection, before, *now) : now.error();
}

Status DoubleRows(Connection& connection, std::string_view table, const Index& index) {
  std::string columns;
  std::string shown;
  std::string not_null;
  for (const std::string& column : index.columns) {
    const std::string name = QuoteName(column);
    columns += (columns.empty() ? "" : ", ") + name;
    shown += (shown.empty() ? "quote(" : " || ', ' || quote(") + name + ")";
    not_null += (not_null.empty() ? "" : " AND ") + name + " IS NOT NULL";
  }
  Result<Statement> query = connection.Prepare(
      "SELECT count(*), min(k) FROM (SELECT " + shown + " AS k FROM " + QuoteName(table) +
      " WHERE " + not_null + " GROUP BY " + columns + " HAVING count(*) > 1)");
  if (!query) return query.error();
  if (const Result<bool> row = query->Step(); !row) return row.error();
  return {StatusCode::kConstraint,
          "the unique index " + index.name + " cannot be made: " +
              std::to_string(query->Integer(0)) + " keys have several rows, for example (" +
              columns + ") = (" + std::string(query->Text(1)) + ")",
          "remove the double rows, or leave the index out of the schema"};
}

Result<std::vector<std::string>> FullTextsOver(Connection& connection, std::string_view table) {
  Result<Statement> query = connection.Prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'");
  if (!query) return Error(query.error());
  std::vector<std::string> names;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    if (SameName(FullTextContentOf(query->Text(1)), table)) names.emplace_back(query->Text(0));
  }
}

}  // namespace sluice
