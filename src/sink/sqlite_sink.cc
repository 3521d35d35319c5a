// SPDX-License-Identifier: Apache-2.0
#include "sink/sqlite_sink.h"

#include <algorithm>
#include <utility>

#include "schema/names.h"
#include "schema/schema.h"
#include "sink/current_table.h"
#include "sink/existing_objects.h"
#include "sink/schema_objects.h"

namespace sluice {
SqliteSink::SqliteSink(TargetDatabase* target, const std::vector<const Table*>& tables,
                       std::vector<SinkSource> sources, Options options)
    : target_(target),
      options_(std::move(options)),
      bookkeeping_(tables, std::move(sources), options_.bookkeeping) {}

SqliteSink::~SqliteSink() { Abandon({StatusCode::kCancelled, "the run was given up"}); }

Result<std::unique_ptr<SqliteSink>> SqliteSink::Open(TargetDatabase* target,
                                                     std::vector<const Table*> tables,
                                                     std::vector<SinkSource> sources,
                                                     Options options) {
  std::unique_ptr<SqliteSink> sink(
      new SqliteSink(target, tables, std::move(sources), std::move(options)));
  if (Status s = sink->Start(tables); !s.ok()) {
    sink->Abandon(s);
    return Error(s);
  }
  return sink;
}

Status SqliteSink::Start(const std::vector<const Table*>& tables) {
  if (Status s = target_->OpenConnection(); !s.ok()) return s;
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
  // From here on there is something to commit when a stop comes.
  connection.SetWait({.longest = options_.busy_wait.value_or(target_->longest_wait_)});
  const Result<Ownership> owned = target_->Owned();  // before this run makes anything
  if (!owned) return owned.error();
  const bool ledger_stands = target_->ledger_ != nullptr;
  if (!ledger_stands) {
    Result<Ledger> ledger = Ledger::Create(connection);
    if (!ledger) return ledger.error();
    target_->ledger_ = std::make_unique<Ledger>(std::move(*ledger));
  }
  if (Status s = bookkeeping_.Start(target_->ledger_.get(), ledger_stands); !s.ok()) return s;

  Status good = MakeGood(connection, target_->ledger_.get(), *owned, tables, &notes_);
  if (!good.ok()) return good;
  targets_.resize(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    targets_[i].table = tables[i];
    if (Status s = MakeTable(&targets_[i]); !s.ok()) return s;
    if (Status s = OpenWriter(static_cast<uint32_t>(i)); !s.ok()) return s;
  }
  // They hold no data, and a mistake in one is better found before the rows than behind them.
  if (Status s = MakeViews(*owned, tables); !s.ok()) return s;
  return options_.indexes_first ? MakeIndexesFirst() : Status();
}

// One that somebody has changed is theirs by now (I12), and so are the triggers on one of ours.
Status SqliteSink::MakeViews(const Ownership& owned, const std::vector<const Table*>& tables) {
  constexpr std::string_view kRemedy = " (once it is dropped, the next run makes it)";
  for (const Table* table : tables) {
    for (const View& view : table->views) {
      std::string why = "was changed since sluice made it, and is left as it is";
      if (!owned.IsViewOfOthers(view.name)) {
        const Status made = MakeView(*target_->connection_, view);
        if (made.ok()) continue;
        if (made.code() != StatusCode::kUnsupported) return made;
        why = "is left as it is: " + made.message();
      }
      notes_.push_back("the view " + view.name + " " + why + std::string(kRemedy));
    }
  }
  return {};
}

Status SqliteSink::MakeIndexesFirst() {
  for (Target& target : targets_) {
    if (Status s = FinishTable(target, [](const std::string&) {}); !s.ok()) return s;
  }
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
  return bookkeeping_.PutSchema(table);
}

// The plan has compared them: what a table lacks by now may be added to it.
Status SqliteSink::FitExistingTable(const Target& target, const std::vector<std::string>& columns) {
  const Table& table = *target.table;
  for (const Column& column : table.columns) {
    const bool found = std::any_of(columns.begin(), columns.end(), [&](const std::string& name) {
      return SameName(name, column.name);
    });
    if (found) continue;
    if (Status s = AddColumn(*target_->connection_, table, column); !s.ok()) return s;
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

Status SqliteSink::OpenWriter(uint32_t index) {
  Target& target = targets_[index];
  const bool stop = options_.bookkeeping.rejects == RejectPolicy::kFail;
  Result<std::unique_ptr<TableWriter>> writer = TableWriter::Open(
      target_->connection_.get(), target.table,
      {.name = "_sluice_cells_" + std::to_string(index), .stop_at_refusal = stop});
  if (!writer) return writer.error();
  target.writer = std::move(*writer);
  return {};
}

Result<bool> SqliteSink::CommitsEachLine(uint32_t source) {
  if (Status s = EnsureTransaction(); !s.ok()) return Error(s);
  return TargetOf(source).writer->MayRollBack();
}

Status SqliteSink::Write(RowBatch* batch) {
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  TableWriter& writer = *TargetOf(batch->source).writer;
  const Result<bool> may_roll_back = writer.MayRollBack();
  if (!may_roll_back) return may_roll_back.error();
  const size_t rows_of_transaction = batch->rows() + (transaction_holds_rows_ ? 1 : 0);
  if (*may_roll_back && batch->rows() > 0 && rows_of_transaction > 1) {
    return Status::Internal("a row that may roll back others is not alone in its transaction");
  }
  transaction_holds_rows_ = true;
  if (Status s = writer.Write(batch); !s.ok()) return s;
  if (writer.lost_transaction()) {
    transaction_.reset();
    if (Status s = EnsureTransaction(); !s.ok()) return s;
  }
  if (Status s = bookkeeping_.NoteExtraKeys(*batch); !s.ok()) return s;
  return bookkeeping_.WriteRejects(*batch);
}

// Also those that pragma_table_info does not list: generated ones.
Result<std::vector<std::string>> SqliteSink::ColumnsOf(uint32_t table_index) {
  if (Status s = EnsureTransaction(); !s.ok()) return Error(s);
  Result<Statement> query = target_->connection_->Prepare("SELECT name FROM pragma_table_xinfo(?)");
  if (!query) return Error(query.error());
  query->BindText(1, targets_[table_index].table->name);
  std::vector<std::string> names;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    names.emplace_back(query->Text(0));
  }
}

Status SqliteSink::AddColumns(uint32_t table_index, const Table& table) {
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  Target& target = targets_[table_index];
  for (size_t i = target.table->columns.size(); i < table.columns.size(); ++i) {
    Status s = AddColumn(*target_->connection_, table, table.columns[i]);
    if (!s.ok()) return s;
  }
  target.table = &table;
  if (Status s = bookkeeping_.PutSchema(table); !s.ok()) return s;
  return target.writer->UseColumns(&table);
}

uint32_t SqliteSink::AddSource(SinkSource source) {
  return bookkeeping_.AddSource(std::move(source));
}

void SqliteSink::MoveSource(uint32_t index, const SourceKey& key) {
  bookkeeping_.MoveSource(index, key);
}

Status SqliteSink::AddWaiting(WaitingRow waiting) {
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  return bookkeeping_.WriteWaiting(std::move(waiting));
}

Status SqliteSink::AddUnseenGap(std::string_view path) {
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  return bookkeeping_.WriteUnseen(path);
}

Result<bool> SqliteSink::WalHasRoom() {
  if (!scope_) return true;
  Result<bool> room = scope_->HasRoom();
  if (!room) target_->connection_->Condemn();  // perhaps a sync failed (I8)
  return room;
}

std::vector<std::string> SqliteSink::WalPinnedBy() const {
  return scope_ ? scope_->PinnedBy() : std::vector<std::string>();
}

Status SqliteSink::EnsureTransaction() {
  if (transaction_) return {};
  Result<Transaction> begun = Transaction::Begin(target_->connection_.get());
  if (!begun) return begun.error();
  transaction_.emplace(std::move(*begun));
  transaction_holds_rows_ = false;
  for (Target& target : targets_) {
    if (target.writer != nullptr) target.writer->BeginTransaction();
  }
  bookkeeping_.Stamp();
  return {};
}

Status SqliteSink::Commit(std::span<const SourceProgress> progress) {
  if (!transaction_ && progress.empty()) return {};
  if (Status s = EnsureTransaction(); !s.ok()) return s;
  if (Status s = bookkeeping_.Advance(progress); !s.ok()) return s;
  // Nobody else sees a new database, and it is published whole or not at all: its rows need no
  // transactions of their own.
  if (!target_->fresh()) return CommitTransaction();
  bookkeeping_.NoteCommit();
  return {};
}

Status SqliteSink::CommitTransaction() {
  if (!transaction_) return {};
  if (Status s = transaction_->Commit(); !s.ok()) return s;
  transaction_.reset();
  bookkeeping_.NoteCommit();
  return {};
}

Status SqliteSink::AfterCommit() {
  if (!scope_) return {};
  Status checkpointed = scope_->AfterCommit();
  if (!checkpointed.ok()) target_->connection_->Condemn();  // perhaps a sync failed (I8)
  return checkpointed;
}

// A transaction of its own on the way to the end.
Status SqliteSink::CommitStep() {
  if (Status s = CommitTransaction(); !s.ok()) return s;
  return AfterCommit();
}

Status SqliteSink::Finish(const RunTotals& totals, const StepFunction& step) {
  if (target_->fresh()) {
    Status s = PrepareToSort(*target_->connection_, options_.cache_bytes);
    if (!s.ok()) return s;
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
  if (Status s = bookkeeping_.WriteRunEnd(totals); !s.ok()) return s;
  if (Status s = CommitStep(); !s.ok()) return s;
  for (Target& target : targets_) target.writer.reset();
  if (target_->fresh()) return PublishDatabase(step);
  ended_ = true;
  return EndScope();
}

Status SqliteSink::PublishDatabase(const StepFunction& step) {
  step("publishing");
  bookkeeping_.LeaveLedger();
  target_->ledger_.reset();
  if (Status s = target_->connection_->Close(); !s.ok()) return s;
  if (Status s = target_->fresh_->Publish(); !s.ok()) return s;
  ended_ = true;
  return {};
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
    if (Status s = MakeFullText(*target_->connection_, table, full_text); !s.ok()) return s;
    if (Status s = target_->fresh() ? Status() : CommitStep(); !s.ok()) return s;
  }
  return {};
}

Status SqliteSink::MakeIndexes(Target& target, const StepFunction& step) {
  const Table& table = *target.table;
  for (size_t i = 0; i < table.indexes.size(); ++i) {
    Result<bool> there = target_->HasIndex(table.indexes[i].name);
    if (!there) return there.error();
    if (*there) {
      Result<bool> changed = HasChangedIndex(*target_->connection_, table, table.indexes[i]);
      if (!changed) return changed.error();
      if (!*changed) continue;
    }
    step(IndexStep(table, i));
    if (Status s = EnsureTransaction(); !s.ok()) return s;
    if (*there) {
      Status s = target_->connection_->Execute("DROP INDEX " + QuoteName(table.indexes[i].name));
      if (!s.ok()) return s;
    }
    if (Status s = target_->connection_->Execute(CreateIndexSql(table, table.indexes[i])); !s.ok())
      return s;
    if (Status s = target_->fresh() ? Status() : CommitStep(); !s.ok()) return s;
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

Status SqliteSink::BeginScope() {
  Connection& connection = *target_->connection_;
  // The connection is our own, and a scope makes no cache smaller.
  Status s =
      connection.Execute("PRAGMA main.cache_size=-" + std::to_string(options_.cache_bytes / 1024));
  if (!s.ok()) return s;
  Result<ImportScope> scope =
      ImportScope::Begin(connection.handle(), {.cache_bytes = options_.cache_bytes,
                                               .wal_cap_bytes = options_.wal_cap_bytes,
                                               .checkpoint_bytes = options_.checkpoint_bytes,
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
  for (Target& target : targets_) target.writer.reset();
  if (transaction_) transaction_->Rollback();
  transaction_.reset();
  if (std::exchange(ended_, true)) return;

  Connection* database =
      target_->fresh() || target_->connection_->condemned() ? nullptr : target_->connection_.get();
  bookkeeping_.WriteRunFailure(why, database);
  if (!scope_) return;
  if (target_->connection_->condemned()) {
    scope_->Forsake();  // no checkpoint through it (I8)
    scope_.reset();
  } else {
    static_cast<void>(EndScope());
  }
}

}  // namespace sluice
