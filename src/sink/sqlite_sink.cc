// SPDX-License-Identifier: Apache-2.0
#include "sink/sqlite_sink.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "sqlite/update_counter.h"

namespace sluice {
namespace {

// All rows that the virtual table `feed` shows.
std::string RowsOf(const Table& table, const std::string& feed) {
  std::string cells;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    cells += (i == 0 ? "c" : ", c") + std::to_string(i);
  }
  return "SELECT " + cells + " FROM " + QuoteName(feed) + " WHERE true";
}

std::string ReasonText(const Reject& reject) {
  std::string text(Describe(reject.reason));
  if (!reject.detail.empty()) text += ": " + reject.detail;
  return text;
}

}  // namespace

SqliteSink::SqliteSink(TargetDatabase* target, std::vector<SinkSource> sources, Options options)
    : target_(target), sources_(std::move(sources)), options_(std::move(options)) {}

SqliteSink::~SqliteSink() { Abandon({StatusCode::kCancelled, "the run was given up"}); }

Result<std::unique_ptr<SqliteSink>> SqliteSink::Open(TargetDatabase* target,
                                                     std::vector<const Table*> tables,
                                                     std::vector<SinkSource> sources,
                                                     Options options) {
  std::unique_ptr<SqliteSink> sink(new SqliteSink(target, std::move(sources), std::move(options)));
  if (Status s = sink->Start(tables); !s.ok()) {
    sink->Abandon(s);
    return Error(s);
  }
  return sink;
}

Status SqliteSink::Start(const std::vector<const Table*>& tables) {
  Connection& connection = *target_->connection_;
  if (target_->fresh()) {
    // Rows are only appended, and not read again before the indexes are made: a large cache would
    // do nothing but touch memory, which is dear on virtual machines.
    Status s = connection.Execute("PRAGMA temp_store=FILE; PRAGMA cache_size=-8192");
    if (!s.ok()) return s;
  } else if (Status s = BeginScope(); !s.ok()) {
    return s;
  }

  if (Status s = EnsureTransaction(); !s.ok()) return s;
  ledger_stands_ = target_->ledger_ != nullptr;
  if (!ledger_stands_) {
    Result<Ledger> ledger = Ledger::Create(connection);
    if (!ledger) return ledger.error();
    target_->ledger_ = std::make_unique<Ledger>(std::move(*ledger));
  }
  if (Status s = OpenJournal(); !s.ok()) return s;

  targets_.resize(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    targets_[i].table = tables[i];
    targets_[i].feed_name = "_sluice_cells_" + std::to_string(i);
    if (Status s = MakeTable(&targets_[i]); !s.ok()) return s;
    if (Status s = PrepareInsert(&targets_[i]); !s.ok()) return s;
  }
  // They hold no data, and a mistake in one is better found before the rows than behind them.
  for (const Table* table : tables) {
    for (const View& view : table->views) {
      if (Status s = MakeView(view); !s.ok()) return s;
    }
  }
  return {};
}

Status SqliteSink::OpenJournal() {
  if (!options_.run_journal) return {};
  journal_ = target_->ledger_.get();
  if (!options_.events_db.empty()) {
    Result<Connection> connection = Connection::Open(
        options_.events_db, {.mode = OpenOptions::Mode::kCreate, .busy_timeout = options_.wait});
    if (!connection) return connection.error();
    journal_connection_ = std::make_unique<Connection>(std::move(*connection));
    Result<Ledger> ledger = Ledger::Create(*journal_connection_);
    if (!ledger) return ledger.error();
    journal_ledger_ = std::make_unique<Ledger>(std::move(*ledger));
    journal_ = journal_ledger_.get();
  }
  Result<int64_t> id = journal_->BeginRun(options_.run);
  if (!id) return id.error();
  options_.run.id = *id;
  run_is_written_ = journal_connection_ != nullptr;
  return {};
}

Status SqliteSink::MakeTable(Target* target) {
  const Table& table = *target->table;
  Result<std::vector<std::string>> columns = target_->ColumnsOf(table.name);
  if (!columns) return columns.error();
  if (columns->empty()) {
    if (Status s = target_->connection_->Execute(CreateTableSql(table)); !s.ok()) return s;
  } else if (Status s = FitExistingTable(*target, *columns); !s.ok()) {
    return s;
  }
  // Unique indexes decide which rows are refused; the others are quicker to make after the rows.
  for (const Index& index : table.indexes) {
    if (!index.unique) continue;
    if (Status s = MakeUniqueIndex(table, index); !s.ok()) return s;
  }
  return target_->ledger_->PutSchema(table.name, ToToml(table), now_);
}

// A table that `auto` made when it had seen no line yet gets its columns now. Any other must have
// them.
Status SqliteSink::FitExistingTable(const Target& target, const std::vector<std::string>& columns) {
  const Table& table = *target.table;
  if (table.preset != "auto") return target_->CheckColumns(table);
  for (const Column& column : table.columns) {
    const bool found = std::any_of(columns.begin(), columns.end(), [&](const std::string& name) {
      return SameName(name, column.name);
    });
    if (found) continue;
    if (Status s = AddColumn(table, column); !s.ok()) return s;
  }
  return {};
}

Status SqliteSink::MakeUniqueIndex(const Table& table, const Index& index) {
  Result<bool> there = target_->HasIndex(index.name);
  if (!there) return there.error();
  if (*there) return {};
  const Status made = target_->connection_->Execute(CreateIndexSql(table, index));
  if (made.code() != StatusCode::kConstraint) return made;
  return {StatusCode::kConstraint,
          target_->path() + ": the unique index " + index.name + " cannot be made, for the table " +
              table.name + " has rows that are double by it",
          "remove them, or leave the index out of the schema"};
}

Status SqliteSink::AddColumn(const Table& table, const Column& column) {
  return target_->connection_->Execute("ALTER TABLE " + QuoteName(table.name) + " ADD COLUMN " +
                                       QuoteName(column.name) + " " + column.declared_type);
}

Status SqliteSink::PrepareInsert(Target* target) {
  const Table& table = *target->table;
  target->insert = Statement();  // before the feed that it reads from
  Result<CellTable> feed =
      CellTable::Register(*target_->connection_, target->feed_name, table.columns.size());
  if (!feed) return feed.error();
  target->feed.emplace(std::move(*feed));
  Result<Statement> insert =
      target_->connection_->Prepare(InsertSql(table, RowsOf(table, target->feed_name)));
  if (!insert) return insert.error();
  target->insert = std::move(*insert);

  target->key_columns.clear();
  for (const std::string& key : table.primary_key) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (SameName(table.columns[i].name, key)) target->key_columns.push_back(i);
    }
  }
  return {};
}

Status SqliteSink::Write(RowBatch* batch) {
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  Target& target = targets_[sources_[batch->source].table];

  // SQLite would give a row without a key a number of its own: such rows are passed over.
  size_t begin = 0;
  for (size_t row = 0; row < (target.key_columns.empty() ? 0 : batch->rows()); ++row) {
    for (size_t column : target.key_columns) {
      if (batch->row(row)[column].type != CellType::kNull) continue;
      if (Status s = WriteRows(target, batch, begin, row); !s.ok()) return s;
      if (Status s = RefuseRow(
              batch, row, "no value for the primary key " + target.table->columns[column].name);
          !s.ok()) {
        return s;
      }
      begin = row + 1;
      break;
    }
  }
  if (Status s = WriteRows(target, batch, begin, batch->rows()); !s.ok()) return s;
  return WriteRejects(*batch);
}

// Rows begin to end - 1, in one statement as long as the table refuses none.
Status SqliteSink::WriteRows(Target& target, RowBatch* batch, size_t begin, size_t end) {
  const size_t width = target.table->columns.size();
  std::optional<UpdateCounter> updates;
  if (target.table->on_conflict == OnConflict::kReplace) updates.emplace(*target_->connection_);

  while (begin < end) {
    target.feed->Show(batch->cells.data() + begin * width, end - begin);
    const Status inserted = target.insert.Run();
    const size_t taken = inserted.ok() ? end - begin : target.feed->current_row();
    if (target.table->on_conflict == OnConflict::kIgnore) {
      const uint64_t ignored = taken - static_cast<uint64_t>(target_->connection_->changes());
      batch->counts.rows -= ignored;
      batch->counts.ignored += ignored;
    }
    begin += taken;
    if (inserted.ok()) break;
    if (inserted.code() != StatusCode::kConstraint) return inserted;
    if (Status s = RefuseRow(batch, begin, inserted.message()); !s.ok()) return s;
    ++begin;
  }
  if (updates) batch->counts.replaced += updates->count();
  return {};
}

Status SqliteSink::RefuseRow(RowBatch* batch, size_t row, std::string detail) {
  const Line& line = batch->line_of_row(row);
  batch->rejects.push_back({.line = line,
                            .length = line.text.size(),
                            .reason = RejectReason::kConstraint,
                            .detail = std::move(detail)});
  --batch->counts.rows;
  ++batch->counts.rejects;
  return {};
}

Status SqliteSink::WriteRejects(const RowBatch& batch) {
  if (batch.rejects.empty() || options_.rejects == Options::Rejects::kCount) return {};
  if (options_.rejects == Options::Rejects::kFail) {
    const Reject& first = batch.rejects.front();
    return Status(
        StatusCode::kConstraint,
        sources_[batch.source].key.path + ":" + std::to_string(first.line.number) + ": " +
            ReasonText(first),
        "without --on-bad-line fail the line goes to _sluice_rejects, and the run goes on");
  }
  Result<int64_t> source = SourceId(batch.source);
  if (!source) return source.error();
  for (const Reject& reject : batch.rejects) {
    Status s =
        target_->ledger_->AddReject(*source, reject.line, reject.length, ReasonText(reject), now_);
    if (!s.ok()) return s;
  }
  return {};
}

Result<int64_t> SqliteSink::SourceId(uint32_t index) {
  SinkSource& source = sources_[index];
  if (source.known_id == 0) {
    Result<int64_t> id =
        target_->ledger_->AddSource(source.key, targets_[source.table].table->name);
    if (!id) return id;
    source.known_id = *id;
  }
  return source.known_id;
}

Status SqliteSink::AddColumns(uint32_t table_index, const Table& table) {
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  Target& target = targets_[table_index];
  target.insert = Statement();
  for (size_t i = target.table->columns.size(); i < table.columns.size(); ++i) {
    Status s = AddColumn(table, table.columns[i]);
    if (!s.ok()) return s;
  }
  target.table = &table;
  if (Status s = target_->ledger_->PutSchema(table.name, ToToml(table), now_); !s.ok()) return s;
  return PrepareInsert(&target);
}

Status SqliteSink::EnsureTransaction() {
  if (transaction_) return {};
  Result<Transaction> begun = Transaction::Begin(target_->connection_.get());
  if (!begun) return begun.error();
  transaction_.emplace(std::move(*begun));
  now_ = UtcNow();
  return {};
}

Status SqliteSink::Commit(std::span<const SourceProgress> progress) {
  if (!transaction_ && progress.empty()) return {};
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  LineCounts added;
  for (const SourceProgress& source : progress) {
    added += source.added;
    Result<int64_t> id = SourceId(source.source);
    if (!id) return id.error();
    const SinkSource& known = sources_[source.source];
    if (Status s = target_->ledger_->Advance(*id, known.key, source.offset, source.added, now_);
        !s.ok())
      return s;
    if (Status s = AddEvent("batch_committed", known.key.path, source.offset.bytes, source.added);
        !s.ok())
      return s;
  }
  // Nobody else sees a new database, and it is published whole or not at all: its rows need no
  // transactions of their own.
  if (!target_->fresh()) {
    if (Status s = CommitTransaction(); !s.ok()) return s;
  }
  committed_ += added;
  return {};
}

Status SqliteSink::CommitTransaction() {
  if (!transaction_) return {};
  if (Status s = transaction_->Commit(); !s.ok()) return s;
  transaction_.reset();
  ledger_stands_ = true;
  run_is_written_ = true;
  if (!scope_) return {};
  Status checkpointed = scope_->AfterCommit();
  if (!checkpointed.ok()) target_->connection_->Condemn();  // perhaps a sync failed (I8)
  return checkpointed;
}

Status SqliteSink::AddEvent(std::string_view event, std::string_view source_path, uint64_t offset,
                            const LineCounts& counts) {
  if (!options_.batch_events || journal_ == nullptr) return {};
  return journal_->AddEvent({.run_id = options_.run.id,
                             .at = now_,
                             .event = std::string(event),
                             .source_path = std::string(source_path),
                             .offset = offset,
                             .rows = counts.rows,
                             .rejects = counts.rejects});
}

Status SqliteSink::Finish(const StepFunction& step) {
  if (target_->fresh()) {
    if (Status s = PrepareToSort(); !s.ok()) return s;
  }
  for (Target& target : targets_) {
    if (Status s = FinishTable(target, step); !s.ok()) return s;
  }
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  if (target_->fresh()) {
    step("statistics");
    // 1,000 rows of each index are enough for the planner, and take milliseconds instead of a scan.
    Status s = target_->connection_->Execute("PRAGMA analysis_limit=1000; ANALYZE");
    if (!s.ok()) return s;
  }
  if (Status s = WriteRunEnd(); !s.ok()) return s;
  if (Status s = CommitTransaction(); !s.ok()) return s;
  for (Target& target : targets_) target.insert = Statement();
  if (target_->fresh()) return PublishDatabase(step);
  ended_ = true;
  return EndScope();
}

Status SqliteSink::PublishDatabase(const StepFunction& step) {
  step("publishing");
  if (journal_connection_ == nullptr) journal_ = nullptr;
  target_->ledger_.reset();
  if (Status s = target_->connection_->Close(); !s.ok()) return s;
  if (Status s = target_->fresh_->Publish(); !s.ok()) return s;
  ended_ = true;
  return {};
}

// CREATE INDEX sorts in runs as large as the cache may be, one in the making on each of its threads
// and one more: together with the cache itself, three of them are the share that we were given.
Status SqliteSink::PrepareToSort() {
  const uint64_t kibibytes = std::max<uint64_t>((options_.cache_bytes >> 10) / 3, 1024);
  return target_->connection_->Execute("PRAGMA threads=2; PRAGMA cache_size=-" +
                                       std::to_string(kibibytes));
}

// Indexes, then full text: each a transaction of its own where the database stood before.
Status SqliteSink::FinishTable(Target& target, const StepFunction& step) {
  const Table& table = *target.table;
  if (options_.sync_indexes) {
    if (Status s = DropUnlistedIndexes(target); !s.ok()) return s;
  }
  if (Status s = MakeIndexes(target, step); !s.ok()) return s;
  for (const FullText& full_text : table.full_texts) {
    Result<std::vector<std::string>> there = target_->ColumnsOf(full_text.name);
    if (!there) return there.error();
    if (!there->empty()) continue;
    step("full text " + full_text.name);
    if (Status s = EnsureTransaction(); !s.ok()) return s;
    for (const std::string& sql : CreateFullTextSql(table, full_text)) {
      if (Status s = target_->connection_->Execute(sql); !s.ok()) return s;
    }
    if (Status s = target_->fresh() ? Status() : CommitTransaction(); !s.ok()) return s;
  }
  return {};
}

// A view holds no data: one that an older schema made is replaced.
Status SqliteSink::MakeView(const View& view) {
  Connection& connection = *target_->connection_;
  const std::string sql = CreateViewSql(view);
  Result<Statement> query = connection.Prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ? COLLATE NOCASE");
  if (!query) return query.error();
  query->BindText(1, view.name);
  Result<bool> there = query->Step();
  if (!there) return there.error();
  if (*there && query->Text(0) == sql) return {};
  query->Reset();
  if (*there) {
    if (Status s = connection.Execute("DROP VIEW " + QuoteName(view.name)); !s.ok()) return s;
  }
  const Status made = connection.Execute(sql);
  if (made.ok() || !made.remedy().empty()) return made;
  return Status::Usage("the schema's view " + view.name + " cannot be made: " + made.message(),
                       "mend its sql in the schema file");
}

Status SqliteSink::MakeIndexes(Target& target, const StepFunction& step) {
  const Table& table = *target.table;
  for (size_t i = 0; i < table.indexes.size(); ++i) {
    Result<bool> there = target_->HasIndex(table.indexes[i].name);
    if (!there) return there.error();
    if (*there) continue;
    step("index " + table.indexes[i].name + " (" + std::to_string(i + 1) + " of " +
         std::to_string(table.indexes.size()) + ")");
    if (Status s = EnsureTransaction(); !s.ok()) return s;
    if (Status s = target_->connection_->Execute(CreateIndexSql(table, table.indexes[i])); !s.ok())
      return s;
    if (Status s = target_->fresh() ? Status() : CommitTransaction(); !s.ok()) return s;
  }
  return {};
}

// By its name and its columns: the schema may have changed these and not the name.
Result<bool> SqliteSink::IsListed(const Table& table, const std::string& name) {
  for (const Index& index : table.indexes) {
    if (!SameName(index.name, name)) continue;
    Result<std::vector<std::string>> columns = target_->ColumnsOfIndex(name);
    if (!columns) return Error(columns.error());
    return std::equal(columns->begin(), columns->end(), index.columns.begin(), index.columns.end(),
                      [](const std::string& a, const std::string& b) { return SameName(a, b); });
  }
  return false;
}

Status SqliteSink::DropUnlistedIndexes(const Target& target) {
  const Table& table = *target.table;
  if (table.index_prefix.empty()) return {};
  Result<Statement> query = target_->connection_->Prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 COLLATE NOCASE AND "
      "sql IS NOT NULL "
      "AND substr(name, 1, length(?2)) = ?2 ORDER BY name");
  if (!query) return query.error();
  query->BindText(1, table.name);
  query->BindText(2, table.index_prefix);
  std::vector<std::string> unlisted;
  for (;;) {
    Result<bool> row = query->Step();
    if (!row) return row.error();
    if (!*row) break;
    Result<bool> listed = IsListed(table, std::string(query->Text(0)));
    if (!listed) return listed.error();
    if (!*listed) unlisted.emplace_back(query->Text(0));
  }
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  for (const std::string& name : unlisted) {
    if (Status s = target_->connection_->Execute("DROP INDEX " + QuoteName(name)); !s.ok())
      return s;
    notes_.push_back("dropped the index " + name +
                     ", which the schema does not list (--sync-indexes)");
  }
  return {};
}

void SqliteSink::SetRunTotals(const LineCounts& counts, uint64_t bytes_read, uint64_t bytes_decoded,
                              uint64_t bytes_written, std::string outcome) {
  options_.run.counts = counts;
  options_.run.bytes_read = bytes_read;
  options_.run.bytes_decoded = bytes_decoded;
  options_.run.bytes_written = bytes_written;
  options_.run.outcome = std::move(outcome);
}

Status SqliteSink::WriteRunEnd() {
  if (journal_ == nullptr) return {};
  options_.run.ended_at = UtcNow();
  return journal_->UpdateRun(options_.run);
}

// In a database where nothing was committed there is no row of this run to change: it gets one.
void SqliteSink::WriteRunFailure(const Status& why) {
  if (!JournalCanBeWritten()) return;
  // Who held the database for all of --wait would be waited for again.
  if (why.code() == StatusCode::kBusy) return;
  options_.run.counts = committed_;
  options_.run.outcome = "failed: " + why.message();
  // The run fails with `why`, whatever comes of this.
  static_cast<void>(UpdateRunAlone());
}

// A database that is made anew goes with its journal; in one without our tables nothing is left of
// a run that committed nothing.
bool SqliteSink::JournalCanBeWritten() const {
  if (journal_ == nullptr) return false;
  if (journal_connection_ != nullptr) return true;
  return !target_->fresh() && !target_->connection_->condemned() && ledger_stands_;
}

Status SqliteSink::UpdateRunAlone() {
  Connection* connection =
      journal_connection_ != nullptr ? journal_connection_.get() : target_->connection_.get();
  Result<Transaction> transaction = Transaction::Begin(connection);
  if (!transaction) return transaction.error();
  if (!run_is_written_) {
    Result<int64_t> id = journal_->BeginRun(options_.run);
    if (!id) return id.error();
    options_.run.id = *id;
  }
  if (Status s = WriteRunEnd(); !s.ok()) return s;
  return transaction->Commit();
}

Status SqliteSink::BeginScope() {
  Connection& connection = *target_->connection_;
  Result<ImportScope> scope =
      ImportScope::Begin(connection.handle(), {.cache_bytes = options_.cache_bytes,
                                               .wal_cap_bytes = options_.wal_cap_bytes,
                                               .durable = options_.durable});
  if (!scope) {
    connection.Condemn();  // perhaps a sync failed (I8)
    return scope.error();
  }
  scope_.emplace(std::move(*scope));
  return {};
}

Status SqliteSink::EndScope() {
  Result<ImportScope::Report> report = scope_->End();
  scope_.reset();
  if (!report) {
    target_->connection_->Condemn();  // perhaps a sync failed (I8)
    return report.error();
  }
  if (!report->pinned_by.empty()) {
    std::string who;
    for (const std::string& reader : report->pinned_by) who += (who.empty() ? "" : ", ") + reader;
    warnings_.push_back("the WAL keeps " + std::to_string(report->wal_bytes) +
                        " bytes: it is pinned by " + who);
  }
  return {};
}

void SqliteSink::Abandon(const Status& why) {
  for (Target& target : targets_) target.insert = Statement();
  if (transaction_) transaction_->Rollback();
  transaction_.reset();
  if (std::exchange(ended_, true)) return;

  WriteRunFailure(why);
  if (!scope_) return;
  if (target_->connection_->condemned()) {
    scope_->Forsake();  // no checkpoint through it (I8)
    scope_.reset();
  } else {
    static_cast<void>(EndScope());
  }
}

}  // namespace sluice
