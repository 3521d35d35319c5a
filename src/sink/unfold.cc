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

const Column* ExtraColumn(const Table& table) {
  for (const Column& column : table.columns) {
    if (column.origin == Origin::kExtra) return &column;
  }
  return nullptr;
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

// The new columns, and @extra behind them: a key of another column stays where it is.
Table MembersTable(const Table& table, const Table& wider, const Column& extra) {
  Table members;
  members.name = table.name;
  members.columns.assign(wider.columns.begin() + static_cast<ptrdiff_t>(table.columns.size()),
                         wider.columns.end());
  members.columns.push_back(extra);
  return members;
}

// A name that means the rowid, and is not that of another column.
Result<std::string> RowidName(Connection& connection, const std::string& table) {
  const Result<std::optional<std::string>> name = connection.QueryText(
      "SELECT column1 FROM (VALUES ('rowid'), ('_rowid_'), ('oid')) WHERE column1 NOT IN (SELECT "
      "lower(name) FROM pragma_table_xinfo(" +
      QuoteText(table) + ")) AND NOT EXISTS (SELECT 1 FROM pragma_table_list(" + QuoteText(table) +
      ") WHERE schema = 'main' AND wr) LIMIT 1");
  if (!name) return Error(name.error());
  if (name->has_value()) return **name;
  return Error(Status::Unsupported("its rows have no rowid that could be named"));
}

// One table's cells of @extra, row by row.
class Unfolding {
 public:
  Unfolding(const Table& members, const UnfoldRules& rules)
      : width_(members.columns.size()), rules_(rules), extract_(rules.extractor_of(members)) {}

  Status Prepare(Connection& connection, const Table& members) {
    const Result<std::string> rowid = RowidName(connection, members.name);
    if (!rowid) return rowid.error();
    const std::string table = QuoteName(members.name);
    const std::string extra = QuoteName(members.columns.back().name);
    Result<Statement> rows =
        connection.Prepare("SELECT " + *rowid + ", " + extra + " FROM " + table +
                           " NOT INDEXED WHERE typeof(" + extra + ") = 'text'");
    if (!rows) return rows.error();
    std::string cells;
    for (const Column& column : members.columns)
      cells += (cells.empty() ? "" : ", ") + QuoteName(column.name) + " = ?";
    Result<Statement> update =
        connection.Prepare("UPDATE " + table + " SET " + cells + " WHERE " + *rowid + " = ?");
    if (!update) return update.error();
    rows_ = std::move(*rows);
    update_ = std::move(*update);
    return {};
  }

  Result<uint64_t> Run() {
    for (uint64_t seen = 0;; ++seen) {
      if (seen % kRowsBetweenLooks == 0) {
        if (rules_.stop != nullptr && rules_.stop->stopped())
          return Error({StatusCode::kCancelled, "stopped: the table is as it was"});
        if (rules_.progress) rules_.progress(seen);
      }
      const Result<bool> row = rows_.Step();
      if (!row) return Error(row.error());
      if (!*row) return changed_;
      if (Status s = UnfoldRow(rows_.Integer(0), rows_.Text(1)); !s.ok()) return Error(s);
    }
  }

 private:
  static constexpr uint64_t kRowsBetweenLooks = 4096;

  Status UnfoldRow(int64_t rowid, std::string_view text) {
    const Result<const Cell*> cells = extract_(text);
    if (!cells) return {};  // no object: somebody else wrote it
    const Cell& rest = (*cells)[width_ - 1];
    if (rest.type == CellType::kText && rest.text() == text) return {};
    int parameter = 1;
    for (const Cell& cell : std::span(*cells, width_)) update_.BindCell(parameter++, cell);
    update_.BindInteger(parameter, rowid);
    if (Status s = update_.Run(); !s.ok()) return s;
    ++changed_;
    return {};
  }

  const size_t width_;
  const UnfoldRules& rules_;
  const ExtractFunction extract_;
  Statement rows_;
  Statement update_;
  uint64_t changed_ = 0;
};

}  // namespace

Result<std::vector<std::string>> KeysInExtra(Connection& connection, const Table& table) {
  std::vector<std::string> keys;
  const Column* column_of_extra = ExtraColumn(table);
  if (column_of_extra == nullptr) return keys;
  const std::string extra = QuoteName(column_of_extra->name);
  std::string known;
  for (const Column& column : table.columns) {
    const std::optional<std::string> key = FirstKey(column);
    if (key) known += (known.empty() ? "" : ", ") + QuoteText(*key);
  }
  Result<Statement> statement = connection.Prepare(
      "SELECT DISTINCT key FROM " + QuoteName(table.name) + ", " + MembersOf(extra) + " WHERE " +
      extra + " IS NOT NULL AND typeof(key) = 'text' AND key NOT IN (" + known + ") LIMIT ?1");
  if (!statement) return Error(statement.error());
  statement->BindInteger(1, kMostKeys);
  for (;;) {
    const Result<bool> row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return keys;
    keys.emplace_back(statement->Text(0));
  }
}

Result<uint64_t> UnfoldExtra(Connection& connection, const Table& table, const Table& wider,
                             const UnfoldRules& rules) {
  const Column* extra = ExtraColumn(table);
  if (extra == nullptr) return uint64_t{0};
  const Table members = MembersTable(table, wider, *extra);
  for (const Column& column : std::span(members.columns).first(members.columns.size() - 1)) {
    if (Status s = AddColumn(connection, wider, column); !s.ok()) return Error(s);
  }
  Unfolding unfolding(members, rules);
  if (Status s = unfolding.Prepare(connection, members); !s.ok()) return Error(s);
  return unfolding.Run();
}

}  // namespace sluice
