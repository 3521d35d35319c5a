// SPDX-License-Identifier: Apache-2.0
#include "sink/table_writer.h"

#include <algorithm>
#include <utility>

#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// A row of more bytes may be refused for its size (SQLITE_MAX_LENGTH is 1,000,000,000). The rest is
// for its header, and for numbers that become text.
constexpr uint64_t kSurelyStored = 900'000'000;

// All rows that the virtual table `feed` shows.
std::string RowsOf(const Table& table, const std::string& feed) {
  std::string cells;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    cells += (i == 0 ? "c" : ", c") + std::to_string(i);
  }
  return "SELECT " + cells + " FROM " + QuoteName(feed) + " WHERE true";
}

// No cell is longer than the text that the batch was made of, but many columns may hold the same.
bool MayHaveLargeRows(const RowBatch& batch) {
  return batch.decoded_bytes > kSurelyStored / std::max<size_t>(batch.table->columns.size(), 1);
}

bool IsLarge(std::span<const Cell> row) {
  uint64_t size = 0;
  for (const Cell& cell : row) size += cell.size;
  return size > kSurelyStored;
}

}  // namespace

Result<std::unique_ptr<TableWriter>> TableWriter::Open(Connection* connection, const Table* table,
                                                       Options options) {
  std::unique_ptr<TableWriter> writer(new TableWriter(connection, table, std::move(options)));
  const std::string& name = writer->options_.name;
  Result<ConflictCounter> conflicts = ConflictCounter::Register(*connection, name + "_replaces");
  if (!conflicts) return Error(conflicts.error());
  writer->conflicts_.emplace(std::move(*conflicts));
  Result<Savepoint> savepoint = Savepoint::Prepare(*connection, name);
  if (!savepoint) return Error(savepoint.error());
  writer->savepoint_.emplace(std::move(*savepoint));
  Result<Statement> version = connection->Prepare(
      "SELECT (SELECT schema_version FROM pragma_schema_version) || ' ' ||"
      " (SELECT count(*) FROM sqlite_temp_schema WHERE type = 'trigger')");
  if (!version) return Error(version.error());
  writer->version_ = std::move(*version);
  if (Status s = writer->UseColumns(table); !s.ok()) return Error(s);
  return writer;
}

Status TableWriter::UseColumns(const Table* table) {
  table_ = table;
  insert_ = Statement();  // before the feed that it reads from
  Result<CellTable> feed = CellTable::Register(*connection_, options_.name, table->columns.size());
  if (!feed) return feed.error();
  feed_.emplace(std::move(*feed));
  key_columns_.clear();
  for (const std::string& key : table->primary_key) {
    for (size_t i = 0; i < table->columns.size(); ++i) {
      if (SameName(table->columns[i].name, key)) key_columns_.push_back(i);
    }
  }
  schema_version_.clear();
  is_checked_ = false;
  return Check();
}

// Within a transaction nobody else can change the schema; and what a run itself changes it tells by
// UseColumns, or does before the first row.
Status TableWriter::Check() {
  if (is_checked_) return {};
  Result<std::string> version = SchemaVersion();
  if (!version) return version.error();
  if (*version != schema_version_) {
    if (Status s = Prepare(); !s.ok()) return s;
    schema_version_ = std::move(*version);
  }
  is_checked_ = true;
  return {};
}

Result<std::string> TableWriter::SchemaVersion() {
  const Result<bool> row = version_.Step();
  if (!row) return Error(row.error());
  std::string version(version_.Text(0));
  version_.Reset();
  return version;
}

Status TableWriter::Prepare() {
  Result<InsertRules> rules = ReadInsertRules(*connection_, *table_);
  if (!rules) return rules.error();
  rules_ = *rules;
  is_straight_ =
      rules_.is_simple && (table_->on_conflict != OnConflict::kReplace || rules_.unique_keys <= 1);
  Result<Statement> insert = connection_->Prepare(
      InsertSql(*table_, RowsOf(*table_, options_.name),
                {.or_fail = is_straight_, .replace_guard = options_.name + "_replaces"}));
  if (!insert) return WhyNotPrepared(insert.error());
  insert_ = std::move(*insert);
  return {};
}

// Somebody may have dropped or renamed the table meanwhile.
Status TableWriter::WhyNotPrepared(const Status& why) {
  Result<Statement> query = connection_->Prepare(
      "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE");
  if (!query) return query.error();
  query->BindText(1, table_->name);
  const Result<bool> is_there = query->Step();
  if (!is_there) return is_there.error();
  if (*is_there) return why;
  return Status::NotFound(
      "the table " + table_->name + " is gone: it was dropped or renamed while sluice wrote to it",
      "start sluice again: it makes the table anew, and reads its files from their beginning");
}

Result<bool> TableWriter::MayRollBack() {
  if (Status s = Check(); !s.ok()) return Error(s);
  return rules_.may_roll_back;
}

Status TableWriter::Write(RowBatch* batch) {
  if (Status s = Check(); !s.ok()) return s;
  has_stopped_ = lost_transaction_ = false;
  has_large_rows_ = MayHaveLargeRows(*batch);
  const bool is_uniform = key_columns_.empty() && !rules_.rowid_column && !has_large_rows_;
  const size_t rows = batch->rows();
  for (size_t begin = 0; begin < rows && !has_stopped_;) {
    const Way way = is_uniform ? Way::kTogether : WayOf(*batch, begin);
    size_t end = is_uniform ? rows : begin + 1;
    while (end < rows && way == Way::kTogether && WayOf(*batch, end) == way) ++end;
    if (way == Way::kRefuse) {
      RefuseWithoutKey(batch, begin);
    } else {
      const bool is_straight = way == Way::kTogether && is_straight_;
      const Status written =
          is_straight ? WriteStraight(batch, begin, end) : WriteInPieces(batch, begin, end);
      if (!written.ok()) return written;
    }
    begin = end;
  }
  return {};
}

// A row that may be refused for more than NOT NULL and keys goes alone.
TableWriter::Way TableWriter::WayOf(const RowBatch& batch, size_t row) const {
  const std::span<const Cell> cells = batch.row(row);
  // SQLite would give a row without a key a number of its own, or let NULL differ from NULL.
  for (const size_t column : key_columns_) {
    if (cells[column].type == CellType::kNull) return Way::kRefuse;
  }
  if (rules_.rowid_column) {
    const CellType type = cells[*rules_.rowid_column].type;
    if (type != CellType::kInteger && type != CellType::kNull) return Way::kAlone;
  }
  return has_large_rows_ && IsLarge(cells) ? Way::kAlone : Way::kTogether;
}

void TableWriter::RefuseWithoutKey(RowBatch* batch, size_t row) {
  for (const size_t column : key_columns_) {
    if (batch->row(row)[column].type != CellType::kNull) continue;
    return Refuse(batch, row, "no value for the primary key " + table_->columns[column].name);
  }
}

void TableWriter::Refuse(RowBatch* batch, size_t row, std::string why) {
  batch->RefuseRow(row, std::move(why));
  has_stopped_ = options_.stop_at_refusal;
}

Status TableWriter::WriteStraight(RowBatch* batch, size_t begin, size_t end) {
  const size_t width = table_->columns.size();
  while (begin < end && !has_stopped_) {
    feed_->Show(batch->cells.data() + begin * width, end - begin);
    conflicts_->Restart();
    const Status inserted = insert_.Run();
    if (!inserted.ok() && !connection_->ErrorIsOfConstraint()) return inserted;
    std::string refusal = inserted.ok() ? "" : connection_->ErrorText();
    const size_t taken = inserted.ok() ? end - begin : feed_->current_row();
    if (!inserted.ok() && taken >= end - begin) {
      return Status::Internal("the row that was refused is none of the batch: " + refusal);
    }
    const auto changes = static_cast<uint64_t>(connection_->changes());
    if (Status s = Count(batch, taken, changes, conflicts_->count()); !s.ok()) return s;
    begin += taken;
    if (inserted.ok()) return {};
    Refuse(batch, begin++, std::move(refusal));
  }
  return {};
}

Status TableWriter::WriteInPieces(RowBatch* batch, size_t begin, size_t end) {
  // Without a journal a savepoint holds nothing. One row needs none there: such a table has no
  // triggers, and SQLite has judged a row before it stores the first byte of it.
  const size_t most = rules_.has_journal ? end - begin : 1;
  size_t piece = most;
  size_t suspects_end = begin;  // a row before it is refused
  while (begin < end && !has_stopped_) {
    const bool is_search = begin < suspects_end;
    const size_t rows =
        is_search ? std::max<size_t>((suspects_end - begin) / 2, 1) : std::min(piece, end - begin);
    const Result<Outcome> outcome = TryPiece(batch, begin, begin + rows);
    if (!outcome) return outcome.error();
    if (*outcome == Outcome::kTaken) {
      begin += rows;
      if (!is_search) piece = std::min(2 * piece, most);
    } else if (rows > 1) {
      suspects_end = begin + rows;
    } else {
      Refuse(batch, begin, std::move(refusal_));
      suspects_end = ++begin;
      piece = 1;
    }
  }
  return {};
}

Result<TableWriter::Outcome> TableWriter::TryPiece(RowBatch* batch, size_t begin, size_t end) {
  const size_t rows = end - begin;
  const bool in_savepoint = rows > 1 || rules_.has_triggers;
  if (in_savepoint) {
    if (Status s = savepoint_->Set(); !s.ok()) return Error(s);
  }
  feed_->Show(batch->cells.data() + begin * table_->columns.size(), rows);
  conflicts_->Restart();
  const Status inserted = insert_.Run();
  if (!inserted.ok()) return JudgeRefusal(inserted, rows, in_savepoint);

  // Of several rows, some of which a trigger ignored, nobody can tell whether those had replaced
  // one.
  const auto changes = static_cast<uint64_t>(connection_->changes());
  const bool is_unclear = rows > 1 && !rules_.is_view && changes < rows && conflicts_->count() > 0;
  if (is_unclear) {
    if (Status s = savepoint_->Undo(); !s.ok()) return Error(s);
    return Outcome::kRefused;
  }
  if (in_savepoint) {
    if (Status s = savepoint_->Release(); !s.ok()) return Error(s);
  }
  if (Status s = Count(batch, rows, changes, conflicts_->count()); !s.ok()) return Error(s);
  return Outcome::kTaken;
}

// Whether the statement failed because of a row, so that it is `rows` rows that were refused.
Result<TableWriter::Outcome> TableWriter::JudgeRefusal(const Status& why, size_t rows,
                                                       bool is_in_savepoint) {
  if (!connection_->ErrorIsOfValues()) return Error(why);
  refusal_ = connection_->ErrorText();
  if (!connection_->in_transaction()) {
    lost_transaction_ = true;
    if (rows == 1 && rules_.may_roll_back) return Outcome::kRefused;
    return Error(Status::Internal("a row rolled back the rows before it: " + refusal_));
  }
  if (is_in_savepoint) {
    if (Status s = savepoint_->Undo(); !s.ok()) return Error(s);
  }
  return Outcome::kRefused;
}

// A statement took so many rows. SQLite counted `changes`: the other rows were ignored.
Status TableWriter::Count(RowBatch* batch, uint64_t taken, uint64_t changes, uint64_t replaced) {
  if (rules_.is_view) return {};
  const bool may_ignore = !rules_.is_simple || table_->on_conflict == OnConflict::kIgnore;
  if (changes > taken || (changes < taken && !may_ignore)) {
    return Status::Internal("of " + std::to_string(taken) + " rows for the table " + table_->name +
                            " SQLite stored " + std::to_string(changes));
  }
  batch->counts.rows -= taken - changes;
  batch->counts.ignored += taken - changes;
  // A row of a piece that a trigger ignored has replaced none (TryPiece).
  if (changes == taken || rules_.is_simple) batch->counts.replaced += replaced;
  return {};
}

}  // namespace sluice
