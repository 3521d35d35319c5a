// SPDX-License-Identifier: Apache-2.0
#include "sink/table_rebuild.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "schema/declared_type.h"
#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

using Kind = SchemaChange::Kind;

// Rows between two looks at the stop token and two reports of progress.
constexpr int64_t kRange = 20'000;

constexpr std::string_view kNewTable = "_sluice_new_table";

bool Has(const std::vector<SchemaChange>& changes, Kind kind, std::string_view name) {
  return std::any_of(changes.begin(), changes.end(), [&](const SchemaChange& change) {
    return change.kind == kind && SameName(change.name, name);
  });
}
bool Has(const std::vector<SchemaChange>& changes, Kind kind) {
  return std::any_of(changes.begin(), changes.end(),
                     [&](const SchemaChange& change) { return change.kind == kind; });
}

const Column* FindColumn(const Table& table, std::string_view name) {
  for (const Column& column : table.columns) {
    if (SameName(column.name, name)) return &column;
  }
  return nullptr;
}

std::string Names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + QuoteName(name);
  return list;
}

// "3 rows have ..." and one of them.
Status Refusal(uint64_t count, const std::string& what, const std::string& example) {
  return {
      StatusCode::kConstraint,
      std::to_string(count) + (count == 1 ? " row " : " rows ") + what + ", for example " + example,
      "mend these rows first, or leave the schema as it is"};
}

bool IsGenerated(const TableSql::Item& item) {
  const std::string others = " " + DefinitionOf(item.text).others;
  return others.find(" GENERATED ") != std::string::npos || others.starts_with(" AS (");
}

// The definition of a column of ours with what its owner added to it (CHECK, REFERENCES).
std::string DefinitionText(const Column& column, const TableSql::Item& old) {
  const std::string others = DefinitionOf(old.text).others;
  const bool both = !column.declared_type.empty() && !others.empty();
  return column.declared_type + (both ? " " : "") + others;
}

}  // namespace

TableRebuild::TableRebuild(Connection* connection, const TableChange& change, const StopToken& stop,
                           Progress progress)
    : connection_(connection),
      change_(change),
      stop_(stop),
      progress_(std::move(progress)),
      new_name_(kNewTable) {}

Status TableRebuild::Run() {
  if (Status s = ReadOldTable(); !s.ok()) return s;
  EditColumns();
  EditKey();
  if (Status s = CheckDropped(); !s.ok()) return s;
  key_is_rowid_ = KeyIsRowid();
  new_rowid_ = RowidOf(new_);
  PlanFeeds();
  if (Status s = CheckNotNull(); !s.ok()) return s;
  if (Status s = CheckKey(); !s.ok()) return s;

  if (Status s = MakeNewTable(); !s.ok()) return s;
  if (Status s = CopyRows(); !s.ok()) return s;
  copy_ = Statement();
  lines_ = Statement();
  if (Status s = CheckRoundTrips(); !s.ok()) return s;
  if (Status s = KeepCounter(); !s.ok()) return s;

  // Its name is in no view, trigger or foreign key, and theirs is not to be changed by it.
  const std::string& name = change_.current.name;
  return connection_->Execute("PRAGMA legacy_alter_table=ON; DROP TABLE " + QuoteName(name) +
                              "; ALTER TABLE " + QuoteName(new_name_) + " RENAME TO " +
                              QuoteName(name) + "; PRAGMA legacy_alter_table=OFF");
}

Status TableRebuild::ReadOldTable() {
  Result<Statement> query = connection_->Prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE");
  if (!query) return query.error();
  query->BindText(1, change_.current.name);
  const Result<bool> row = query->Step();
  if (!row) return row.error();
  std::optional<TableSql> sql;
  if (*row) sql = ParseTableSql(query->Text(0));
  if (!sql) return Status::Unsupported("the table " + change_.current.name + " is no plain table");
  old_ = std::move(*sql);
  if (FoldName(old_.options).find("without") != std::string::npos) {
    return Status::Unsupported("the table " + change_.current.name +
                                   " is WITHOUT ROWID, and cannot be written anew in its order",
                               "change it with another program, and ingest by a schema that fits");
  }
  old_rowid_ = RowidOf(old_);
  if (!old_rowid_.empty()) return {};
  return Status::Unsupported("the table " + change_.current.name +
                             " has columns named rowid, oid and _rowid_: its rows have no name");
}

// A name that means the rowid, and is not that of another column.
std::string TableRebuild::RowidOf(const TableSql& table) const {
  for (std::string_view name : {"rowid", "_rowid_", "oid"}) {
    const bool taken = std::any_of(table.items.begin(), table.items.end(),
                                   [&](const auto& item) { return SameName(item.column, name); });
    if (!taken) return std::string(name);
  }
  return "";
}

void TableRebuild::EditColumns() {
  new_ = old_;
  std::erase_if(new_.items, [&](const TableSql::Item& item) {
    return !item.column.empty() && Has(change_.changes, Kind::kDropColumn, item.column);
  });
  for (TableSql::Item& item : new_.items) {
    const Column* wanted = item.column.empty() ? nullptr : FindColumn(change_.wanted, item.column);
    const bool redefined =
        wanted != nullptr && (Has(change_.changes, Kind::kRetype, item.column) ||
                              Has(change_.changes, Kind::kWiden, item.column) ||
                              Has(change_.changes, Kind::kNarrow, item.column) ||
                              Has(change_.changes, Kind::kRedefine, item.column));
    if (redefined) item.text = DefinitionText(*wanted, item);
  }
  // Before the constraints of the table, which come last.
  const auto first_constraint =
      std::find_if(new_.items.begin(), new_.items.end(),
                   [](const TableSql::Item& item) { return item.column.empty(); });
  std::vector<TableSql::Item> added;
  for (const Column& column : change_.wanted.columns) {
    if (Has(change_.changes, Kind::kAddColumn, column.name))
      added.push_back({column.name, column.declared_type});
  }
  new_.items.insert(first_constraint, added.begin(), added.end());
}

void TableRebuild::EditKey() {
  if (!Has(change_.changes, Kind::kKey)) return;
  const Table& wanted = change_.wanted;
  std::erase_if(new_.items, [&](const TableSql::Item& item) {
    const bool is_key = SameName(std::string_view(item.text).substr(0, 11), "PRIMARY KEY");
    return item.column.empty() && is_key;
  });
  // The first of its name: a new column may have it, too.
  const auto rowid = std::find_if(new_.items.begin(), new_.items.end(), [&](const auto& item) {
    return !item.column.empty() && SameName(item.column, change_.current.rowid_column);
  });
  if (rowid != new_.items.end()) new_.items.erase(rowid);
  if (!wanted.rowid_column.empty())
    new_.items.insert(new_.items.begin(), {wanted.rowid_column, "INTEGER PRIMARY KEY"});
  if (!wanted.primary_key.empty())
    new_.items.push_back({"", "PRIMARY KEY (" + Names(wanted.primary_key) + ")"});
}

// Nothing that stays may name what goes. SQLite would say so of some, in words of its own, and take
// others in double quotes for strings.
Status TableRebuild::CheckDropped() const {
  for (const SchemaChange& change : change_.changes) {
    if (change.kind != Kind::kDropColumn) continue;
    for (const TableSql::Item& item : new_.items) {
      if (!NamesColumn(item.text, change.name)) continue;
      const std::string what = item.column.empty() ? "constraint" : "column " + item.column;
      return Status::Usage("the " + what + " of " + change_.current.name + " (" +
                               item.text.substr(0, 100) + ") names the column " + change.name +
                               ", which is to go",
                           "keep the column, or take the " + what + " out of the table first");
    }
  }
  return {};
}

Status TableRebuild::MakeNewTable() {
  const Status made = connection_->Execute(CreateTableSql(new_, new_name_));
  if (made.ok() || !connection_->ErrorIsOfValues()) return made;
  return Status::Usage(
      "the table " + change_.current.name + " cannot be what the schema says: " + ReasonOfSqlite(),
      "leave the columns as they are that its constraints name");
}

bool TableRebuild::IsRefilled(std::string_view column) const {
  return std::any_of(change_.refilled.begin(), change_.refilled.end(),
                     [&](const std::string& name) { return SameName(name, column); });
}

// Each column of the new table but generated ones, and the rowid, unless a column of ours is it.
void TableRebuild::PlanFeeds() {
  feeds_.clear();
  for (const TableSql::Item& item : new_.items) {
    if (item.column.empty() || IsGenerated(item)) continue;
    const bool is_rowid = SameName(item.column, change_.wanted.rowid_column);
    Feed feed{.column = item.column, .expression = "o." + QuoteName(item.column)};
    if (is_rowid) {
      feed.expression = "o." + old_rowid_;
      new_rowid_.clear();  // it has a name of its own
    } else if (IsRefilled(item.column)) {
      feed.parameter = static_cast<int>(feeds_.size());  // made dense below
      feed.expression.clear();
      for (size_t i = 0; i < change_.wanted.columns.size(); ++i) {
        if (SameName(change_.wanted.columns[i].name, item.column)) feed.cell = i;
      }
    } else if (Has(change_.changes, Kind::kAddColumn, item.column)) {
      continue;  // its default
    }
    feeds_.push_back(std::move(feed));
  }
  for (const auto& [to, from] : change_.copied) {
    const auto feed = std::find_if(feeds_.begin(), feeds_.end(),
                                   [&to = to](const Feed& f) { return SameName(f.column, to); });
    if (feed != feeds_.end()) {
      feed->expression = "o." + QuoteName(from);
    } else {
      feeds_.push_back({.column = to, .expression = "o." + QuoteName(from)});
    }
  }
  if (!new_rowid_.empty() && !key_is_rowid_)
    feeds_.push_back({.column = new_rowid_, .expression = "o." + old_rowid_});
  int parameter = 3;  // 1 and 2 are the range, or the rowid
  for (Feed& feed : feeds_) feed.parameter = feed.expression.empty() ? parameter++ : 0;
}

// Of columns that keep their values. Those that are extracted are looked at on the way.
Status TableRebuild::CheckNotNull() {
  for (const Feed& feed : feeds_) {
    const Column* wanted = FindColumn(change_.wanted, feed.column);
    if (feed.expression.empty() || wanted == nullptr) continue;
    if (!DefinitionOf(wanted->declared_type).not_null) continue;
    if (!Has(change_.changes, Kind::kNarrow, feed.column) && change_.copied.empty()) continue;
    Result<Statement> query = connection_->Prepare("SELECT count(*), min(o." + old_rowid_ +
                                                   ") FROM " + QuoteName(change_.current.name) +
                                                   " AS o WHERE " + feed.expression + " IS NULL");
    if (!query) return query.error();
    if (const Result<bool> row = query->Step(); !row) return row.error();
    if (query->Integer(0) == 0) continue;
    return Refusal(static_cast<uint64_t>(query->Integer(0)),
                   "of " + change_.current.name + " have no value in " + feed.column +
                       ", which is to be NOT NULL",
                   "the one with rowid " + std::to_string(query->Integer(1)));
  }
  return {};
}

bool TableRebuild::IsInNewKey(std::string_view column) const {
  const std::vector<std::string>& key = change_.wanted.primary_key;
  return Has(change_.changes, Kind::kKey) &&
         std::any_of(key.begin(), key.end(),
                     [&](const std::string& name) { return SameName(name, column); });
}

// One column declared INTEGER as the key is the rowid itself; any other key stands beside it.
bool TableRebuild::KeyIsRowid() const {
  if (change_.wanted.primary_key.size() != 1) return false;
  return std::any_of(new_.items.begin(), new_.items.end(), [&](const TableSql::Item& item) {
    return !item.column.empty() && IsInNewKey(item.column) &&
           SameName(DefinitionOf(item.text).type, "INTEGER");
  });
}

// What a column of the key is to hold, over the old table; "" if it is extracted from the lines.
std::string TableRebuild::KeyExpression(const std::string& column) const {
  if (IsRefilled(column)) return "";
  for (const Feed& feed : feeds_) {
    if (SameName(feed.column, column)) return feed.expression;
  }
  const Column* added = FindColumn(change_.wanted, column);
  const std::string value =
      added == nullptr ? "" : DefinitionOf(added->declared_type).default_value;
  return value.empty() ? "NULL" : "(" + value + ")";
}

// SQLite would take NULL in a key that is not the rowid, and would number the rows for one that is.
Status TableRebuild::CheckKey() {
  if (!Has(change_.changes, Kind::kKey)) return {};
  for (const Column& column : change_.wanted.columns) {
    if (!key_is_rowid_ || !IsRetyped(column)) continue;
    return Status::Unsupported("a new primary key and a new type of " + column.name + " at once",
                               "apply one, then the other");
  }
  for (const std::string& column : change_.wanted.primary_key) {
    const std::string expression = KeyExpression(column);
    if (expression.empty()) continue;  // looked at on the way
    if (Status s = CheckKeyColumn(column, expression); !s.ok()) return s;
  }
  return CheckKeyIsUnique();
}

Status TableRebuild::CheckKeyColumn(const std::string& column, const std::string& expression) {
  const std::string bad =
      key_is_rowid_ ? "typeof(" + expression + ") <> 'integer'" : expression + " IS NULL";
  Result<Statement> query = connection_->Prepare(
      "SELECT count(*), min(o." + old_rowid_ + "), count(" + expression + "), substr(quote(" +
      expression + "), 1, 60) FROM " + QuoteName(change_.current.name) + " AS o WHERE " + bad);
  if (!query) return query.error();
  if (const Result<bool> row = query->Step(); !row) return row.error();
  if (query->Integer(0) == 0) return {};
  const bool is_null = query->Integer(2) == 0;
  return Refusal(static_cast<uint64_t>(query->Integer(0)),
                 "of " + change_.current.name + " have no " + (is_null ? "value" : "integer") +
                     " in " + column + ", which is to be the primary key",
                 "the one with rowid " + std::to_string(query->Integer(1)) +
                     (is_null ? "" : ": " + std::string(query->Text(3))));
}

Status TableRebuild::CheckKeyIsUnique() {
  const std::vector<std::string>& key = change_.wanted.primary_key;
  if (key.empty()) return {};
  std::string shown;
  std::string values;
  for (const std::string& column : key) {
    const std::string expression = KeyExpression(column);
    if (expression.empty()) return {};  // SQLite refuses a double one when it comes
    shown += (shown.empty() ? "quote(" : " || ', ' || quote(") + expression + ")";
    values += (values.empty() ? "+" : ", +") + expression;  // "1" would be a column's number
  }
  Result<Statement> query = connection_->Prepare(
      "SELECT count(*), min(k) FROM (SELECT " + shown + " AS k FROM " +
      QuoteName(change_.current.name) + " AS o GROUP BY " + values + " HAVING count(*) > 1)");
  if (!query) return query.error();
  if (const Result<bool> row = query->Step(); !row) return row.error();
  if (query->Integer(0) == 0) return {};
  return {StatusCode::kConstraint,
          std::to_string(query->Integer(0)) + " keys of the new primary key (" + Names(key) +
              ") have several rows, for example " + std::string(query->Text(1)),
          "remove the double rows first"};
}

Status TableRebuild::PrepareCopy() {
  const std::string table = QuoteName(change_.current.name);
  std::string columns;
  std::string values;
  bool by_row = false;
  for (const Feed& feed : feeds_) {
    columns += (columns.empty() ? "" : ", ") + QuoteName(feed.column);
    values += (values.empty() ? "" : ", ") +
              (feed.parameter > 0 ? "?" + std::to_string(feed.parameter) : feed.expression);
    by_row |= feed.parameter > 0;
  }
  const std::string rowid = "o." + old_rowid_;
  Result<Statement> copy =
      connection_->Prepare("INSERT INTO " + QuoteName(new_name_) + " (" + columns + ") SELECT " +
                           values + " FROM " + table + " AS o WHERE " + rowid +
                           (by_row ? " = ?1" : " >= ?1 AND " + rowid + " <= ?2 ORDER BY " + rowid));
  if (!copy) return copy.error();
  copy_ = std::move(*copy);
  if (!by_row) return {};
  Result<Statement> lines = connection_->Prepare(
      "SELECT " + rowid + ", o." + QuoteName(change_.line_column) + " FROM " + table +
      " AS o WHERE " + rowid + " >= ?1 AND " + rowid + " <= ?2 ORDER BY " + rowid);
  if (!lines) return lines.error();
  lines_ = std::move(*lines);
  return {};
}

// In ranges of rowids, so that it can be stopped and says how far it is.
Status TableRebuild::CopyRows() {
  if (Status s = PrepareCopy(); !s.ok()) return s;
  const std::string table = QuoteName(change_.current.name);
  const Result<std::optional<int64_t>> total =
      connection_->QueryInteger("SELECT count(*) FROM " + table);
  if (!total) return total.error();
  const std::string rowid = "o." + old_rowid_;
  Result<Statement> next = connection_->Prepare(
      "SELECT max(r) FROM (SELECT " + rowid + " AS r FROM " + table + " AS o WHERE " + rowid +
      " >= ?1 ORDER BY " + rowid + " LIMIT " + std::to_string(kRange) + ")");
  if (!next) return next.error();
  int64_t first = INT64_MIN;
  while (rows_ + refused_ < static_cast<uint64_t>(total->value_or(0))) {
    if (stop_.stopped()) return {StatusCode::kCancelled, "stopped: the table is as it was"};
    progress_(rows_, static_cast<uint64_t>(total->value_or(0)));
    next->BindInteger(1, first);
    if (const Result<bool> row = next->Step(); !row) return row.error();
    if (next->IsNull(0)) break;
    const int64_t last = next->Integer(0);
    next->Reset();
    Status copied = lines_.handle() == nullptr ? CopyRange(first, last) : RefillRange(first, last);
    if (!copied.ok()) return copied;
    if (last == INT64_MAX) break;
    first = last + 1;
  }
  if (refused_ > 0) {
    return Refusal(refused_, "of " + change_.current.name + " cannot be filled from their lines",
                   first_refusal_);
  }
  if (rows_ == static_cast<uint64_t>(total->value_or(0))) return {};
  return Status::Internal(std::to_string(rows_) + " of " + std::to_string(total->value_or(0)) +
                          " rows were copied");
}

Status TableRebuild::CopyRange(int64_t first, int64_t last) {
  copy_.BindInteger(1, first);
  copy_.BindInteger(2, last);
  if (Status s = copy_.Run(); !s.ok()) return WhyNotCopied(s);
  rows_ += static_cast<uint64_t>(connection_->changes());
  return {};
}

Status TableRebuild::RefillRange(int64_t first, int64_t last) {
  lines_.BindInteger(1, first);
  lines_.BindInteger(2, last);
  for (;;) {
    const Result<bool> row = lines_.Step();
    if (!row) return row.error();
    if (!*row) return {};
    const int64_t rowid = lines_.Integer(0);
    std::string why;
    const Result<const Cell*> cells =
        lines_.IsNull(1) ? Result<const Cell*>(Error(Status::NotFound("it has no raw line")))
                         : change_.extract(lines_.Text(1));
    if (!cells) why = cells.error().message();
    copy_.BindInteger(1, rowid);
    for (const Feed& feed : feeds_) {
      if (feed.parameter == 0 || !cells) continue;
      const Cell& cell = (*cells)[feed.cell];
      const std::string& type = change_.wanted.columns[feed.cell].declared_type;
      if (cell.type == CellType::kNull && (RulesOf(type).not_null || IsInNewKey(feed.column))) {
        why = "its line has nothing for " + feed.column + ", which is " +
              (RulesOf(type).not_null ? "NOT NULL" : "to be the primary key");
      }
      copy_.BindCell(feed.parameter, cell);
    }
    if (why.empty()) {
      const Status copied = copy_.Run();
      if (copied.ok()) {
        ++rows_;
        continue;
      }
      if (!connection_->ErrorIsOfValues() || !connection_->in_transaction()) return copied;
      why = ReasonOfSqlite();
    }
    if (refused_++ == 0) first_refusal_ = "rowid " + std::to_string(rowid) + ": " + why;
  }
}

// SQLite's words for what a constraint of the new table refused, by the table's own name.
std::string TableRebuild::ReasonOfSqlite() const {
  std::string reason = connection_->ErrorText();
  const std::string& name = change_.current.name;
  for (size_t at = reason.find(new_name_); at != std::string::npos;
       at = reason.find(new_name_, at + name.size())) {
    reason.replace(at, new_name_.size(), name);
  }
  return reason;
}

Status TableRebuild::WhyNotCopied(const Status& failed) const {
  if (!connection_->ErrorIsOfValues()) return failed;
  return {StatusCode::kConstraint,
          "rows of " + change_.current.name + " do not fit the new table: " + ReasonOfSqlite(),
          "mend these rows first, or leave the schema as it is"};
}

// AUTOINCREMENT gives no number a second time, also not that of a row that is gone. DROP TABLE
// takes the counter with it, and the copy has only seen the rows that are left.
Status TableRebuild::KeepCounter() {
  const bool counts = std::any_of(new_.items.begin(), new_.items.end(), [](const auto& item) {
    return !item.column.empty() &&
           DefinitionOf(item.text).others.find("AUTOINCREMENT") != std::string::npos;
  });
  if (!counts) return {};
  const std::string made = QuoteText(new_name_);
  const std::string old = QuoteText(change_.current.name) + " COLLATE NOCASE";
  return connection_->Execute("DELETE FROM sqlite_sequence WHERE name = " + made +
                              " AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = " + old +
                              "); INSERT INTO sqlite_sequence(name, seq) SELECT " + made +
                              ", seq FROM sqlite_sequence WHERE name = " + old);
}

// What became of a value by the new type has to be it again by the old one.
Status TableRebuild::CheckRoundTrips() {
  for (const Column& column : change_.wanted.columns) {
    if (!IsRetyped(column)) continue;
    const Column* old = FindColumn(change_.current, column.name);
    if (Status s = CheckRoundTrip(*old, column); !s.ok()) return s;
  }
  return {};
}

// Whether it keeps its values, and another type is to hold them.
bool TableRebuild::IsRetyped(const Column& column) const {
  const Column* old = FindColumn(change_.current, column.name);
  const bool copied = std::any_of(change_.copied.begin(), change_.copied.end(),
                                  [&](const auto& c) { return SameName(c.first, column.name); });
  return old != nullptr && old->affinity != column.affinity && !IsRefilled(column.name) && !copied;
}

// SQLite itself makes the way back: a column applies its affinity to what has none before it
// compares. Without affinity there is nothing to apply, and the types have to be the same.
Status TableRebuild::CheckRoundTrip(const Column& old, const Column& column) {
  const std::string before = "o." + QuoteName(old.name);
  const std::string after = "n." + QuoteName(column.name);
  const std::string new_rowid =
      new_rowid_.empty() ? QuoteName(change_.wanted.rowid_column) : new_rowid_;
  std::string same = before + " IS +" + after + " COLLATE BINARY";
  if (old.affinity == Affinity::kBlob)
    same += " AND typeof(" + before + ") = typeof(" + after + ")";
  // A column of numbers makes integers of reals that are whole, but for the smallest integer: that
  // stays a real, which is equal to it.
  if (column.affinity == Affinity::kReal)
    same +=
        " AND NOT (typeof(" + before + ") = 'integer' AND " + before + " < -9223372036854775807)";
  Result<Statement> query = connection_->Prepare(
      "SELECT count(*), min(o." + old_rowid_ + "), substr(quote(" + before +
      "), 1, 60), substr(quote(" + after + "), 1, 60) FROM " + QuoteName(change_.current.name) +
      " AS o JOIN " + QuoteName(new_name_) + " AS n ON n." + new_rowid + " = o." + old_rowid_ +
      " WHERE NOT (" + same + ")");
  if (!query) return query.error();
  if (const Result<bool> row = query->Step(); !row) return row.error();
  const int64_t count = query->Integer(0);
  if (count == 0) return {};
  return {StatusCode::kConstraint,
          "column " + column.name + ": " + std::to_string(count) +
              (count == 1 ? " value does" : " values do") + " not survive " +
              (column.declared_type.empty() ? "no type" : column.declared_type) +
              ", for example in the row with rowid " + std::to_string(query->Integer(1)) + ": " +
              std::string(query->Text(2)) + " would be " + std::string(query->Text(3)),
          "keep the type, or mend these values first"};
}

}  // namespace sluice
