// SPDX-License-Identifier: Apache-2.0
#include "sink/insert_rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "schema/names.h"
#include "sqlite/keyword.h"

namespace sluice {
namespace {

// The texts of the first column. `table` is bound to ?1 if the statement has one.
Result<std::vector<std::string>> Texts(Connection& connection, const std::string& table,
                                       std::string_view sql) {
  Result<Statement> query = connection.Prepare(sql);
  if (!query) return Error(query.error());
  if (query->parameters() > 0) query->BindText(1, table);
  std::vector<std::string> texts;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return texts;
    texts.emplace_back(query->Text(0));
  }
}

constexpr std::string_view kType =
    "SELECT iif(type = 'table' AND strict, 'strict', type) FROM pragma_table_list(?1)"
    " WHERE schema = 'main'";
constexpr std::string_view kOwnSql =
    "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE";
constexpr std::string_view kTriggers =
    "SELECT name FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM sqlite_temp_schema)"
    " WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE";
// Of the whole database, as a trigger may fire others.
constexpr std::string_view kMayRollBack =
    "SELECT sql FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM sqlite_temp_schema)"
    " WHERE type IN ('table', 'trigger') AND sql LIKE '%rollback%'";
// Things that are computed for each row. SQLite shows an expression that is a default without its
// outer brackets; one that can fail calls a function.
constexpr std::string_view kComputed =
    "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 0 OR dflt_value LIKE '%(%'"
    " UNION ALL SELECT name FROM pragma_index_list(?1) AS i WHERE partial"
    " OR EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) WHERE cid = -2)";
constexpr std::string_view kUniqueIndexes =
    "SELECT name FROM pragma_index_list(?1) WHERE \"unique\"";
constexpr std::string_view kRowidColumn =
    "SELECT max(name) FROM pragma_table_xinfo(?1) WHERE pk > 0"
    " HAVING count(*) = 1 AND max(type) = 'INTEGER' COLLATE NOCASE";

bool AnyHas(const std::vector<std::string>& texts, std::string_view keyword) {
  return std::ranges::any_of(texts,
                             [&](const std::string& sql) { return HasKeyword(sql, keyword); });
}

std::optional<size_t> PositionOf(const Table& table, const std::vector<std::string>& names) {
  for (size_t i = 0; i < table.columns.size() && !names.empty(); ++i) {
    if (SameName(table.columns[i].name, names.front())) return i;
  }
  return std::nullopt;
}

}  // namespace

Result<InsertRules> ReadInsertRules(Connection& connection, const Table& table) {
  std::vector<std::string> type, own_sql, triggers, rolling_back, computed;
  std::vector<std::string> unique_indexes, rowid_column;
  const std::pair<std::vector<std::string>*, std::string_view> questions[] = {
      {&type, kType},
      {&own_sql, kOwnSql},
      {&triggers, kTriggers},
      {&rolling_back, kMayRollBack},
      {&computed, kComputed},
      {&unique_indexes, kUniqueIndexes},
      {&rowid_column, kRowidColumn}};
  for (const auto& [answer, sql] : questions) {
    Result<std::vector<std::string>> texts = Texts(connection, table.name, sql);
    if (!texts) return Error(texts.error());
    *answer = std::move(*texts);
  }
  const Result<std::string> journal = connection.Pragma("main.journal_mode");
  if (!journal) return Error(journal.error());
  const Result<std::string> foreign_keys = connection.Pragma("foreign_keys");
  if (!foreign_keys) return Error(foreign_keys.error());

  InsertRules rules;
  const bool is_table = type == std::vector<std::string>{"table"};
  rules.has_triggers = !triggers.empty();
  rules.is_view = type == std::vector<std::string>{"view"};
  rules.is_simple = is_table && !rules.has_triggers && !AnyHas(own_sql, "CHECK") &&
                    !AnyHas(own_sql, "CONFLICT") && computed.empty() && *foreign_keys == "0";
  rules.unique_keys = unique_indexes.size() + rowid_column.size();
  rules.may_roll_back = AnyHas(rules.has_triggers ? rolling_back : own_sql, "ROLLBACK");
  rules.has_journal = *journal != "off";
  rules.rowid_column = PositionOf(table, rowid_column);
  return rules;
}

}  // namespace sluice
