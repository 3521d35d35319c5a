// SPDX-License-Identifier: Apache-2.0
#include "sink/unfold.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "schema/schema.h"
#include "sink/schema_objects.h"

namespace sluice {
namespace {

constexpr int64_t kMostKeys = 2'000;
// SQLite takes a statement of a million bytes at most.
constexpr size_t kColumnsAtOnce = 100;

std::optional<std::string> ExtraColumn(const Table& table) {
  for (const Column& column : table.columns) {
    if (column.origin == Origin::kExtra) return QuoteName(column.name);
  }
  return std::nullopt;
}

// "a/b" for the pointer "/a~1b"; nothing for one that leads deeper.
std::optional<std::string> TopLevelKey(const Column& column) {
  if (column.origin != Origin::kPointer || column.pointers.size() != 1) return std::nullopt;
  const std::string& pointer = column.pointers.front();
  if (pointer.empty() || pointer.find('/', 1) != std::string::npos) return std::nullopt;
  std::string key;
  for (size_t i = 1; i < pointer.size(); ++i) {
    const bool is_escaped = pointer[i] == '~' && i + 1 < pointer.size();
    key += is_escaped ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
  }
  return key;
}

// The first part of a pointer: a key that columns look into is known, even if none holds all of it.
std::optional<std::string> FirstKey(Column column) {
  if (column.pointers.empty() || column.pointers.front().empty()) return std::nullopt;
  column.pointers = {column.pointers.front().substr(0, column.pointers.front().find('/', 1))};
  return TopLevelKey(column);
}

// The members of the cell; none where it is no JSON object. A CASE, because SQLite may look at the
// terms of an AND in any order, and json_each fails on what is no JSON.
std::string MembersOf(const std::string& extra) {
  return "json_each(CASE WHEN json_valid(" + extra + ") THEN " + extra + " END)";
}

// The statement that fills in the new columns and takes their keys out of @extra. By json_each and
// its paths, not by paths of our own: of keys with quotes or backslashes in them only SQLite knows
// how its version writes them.
//
//   UPDATE t SET c = (SELECT value FROM <members> WHERE key = 'k'), ...,
//     extra = nullif(json_remove(extra, (SELECT fullkey FROM <members> WHERE key = 'k'), ...),
//     '{}')
//   WHERE EXISTS (SELECT 1 FROM <members> WHERE key IN ('k', ...))
//
// json_remove gives NULL for a path that is NULL, so a key that this row lacks gets a path that
// leads to nothing, which changes nothing.
std::string UnfoldSql(const Table& table, const std::string& extra,
                      std::span<const Column> new_columns) {
  const std::string members = MembersOf(extra);
  std::string cells;
  std::string paths;
  std::string keys;
  for (const Column& column : new_columns) {
    const std::optional<std::string> key = TopLevelKey(column);
    if (!key) continue;
    const std::string member = " FROM " + members + " WHERE key = " + QuoteText(*key) + " LIMIT 1)";
    cells += QuoteName(column.name) + " = (SELECT value" + member + ", ";
    paths += ", coalesce((SELECT fullkey" + member + ", '$[0]')";
    keys += (keys.empty() ? "" : ", ") + QuoteText(*key);
  }
  if (keys.empty()) return {};
  return "UPDATE " + QuoteName(table.name) + " SET " + cells + extra + " = nullif(json_remove(" +
         extra + paths + "), '{}') WHERE EXISTS (SELECT 1 FROM " + members + " WHERE key IN (" +
         keys + "))";
}

}  // namespace

Result<std::vector<std::string>> KeysInExtra(Connection& connection, const Table& table) {
  std::vector<std::string> keys;
  const std::optional<std::string> extra = ExtraColumn(table);
  if (!extra) return keys;
  std::string known;
  for (const Column& column : table.columns) {
    const std::optional<std::string> key = FirstKey(column);
    if (key) known += (known.empty() ? "" : ", ") + QuoteText(*key);
  }
  Result<Statement> statement = connection.Prepare(
      "SELECT DISTINCT key FROM " + QuoteName(table.name) + ", " + MembersOf(*extra) + " WHERE " +
      *extra + " IS NOT NULL AND typeof(key) = 'text' AND key NOT IN (" + known + ") LIMIT ?1");
  if (!statement) return Error(statement.error());
  statement->BindInteger(1, kMostKeys);
  for (;;) {
    const Result<bool> row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return keys;
    keys.emplace_back(statement->Text(0));
  }
}

Result<uint64_t> UnfoldExtra(Connection& connection, const Table& table, const Table& wider) {
  const std::span<const Column> new_columns =
      std::span(wider.columns).subspan(table.columns.size());
  for (const Column& column : new_columns) {
    if (Status s = AddColumn(connection, wider, column); !s.ok()) return Error(s);
  }
  const std::optional<std::string> extra = ExtraColumn(table);
  uint64_t changed = 0;
  for (size_t i = 0; extra && i < new_columns.size(); i += kColumnsAtOnce) {
    const size_t count = std::min(kColumnsAtOnce, new_columns.size() - i);
    const std::string sql = UnfoldSql(wider, *extra, new_columns.subspan(i, count));
    if (sql.empty()) continue;
    if (Status s = connection.Execute(sql); !s.ok()) return Error(s);
    changed += static_cast<uint64_t>(connection.changes());
  }
  return changed;
}

}  // namespace sluice
