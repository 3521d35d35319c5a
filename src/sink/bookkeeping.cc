// SPDX-License-Identifier: Apache-2.0
#include "sink/bookkeeping.h"

#include <set>
#include <utility>

#include "base/clock.h"
#include "ledger/unfolded.h"
#include "schema/schema.h"

namespace sluice {
namespace {

std::string ReasonText(const Reject& reject) {
  std::string text(Describe(reject.reason));
  if (!reject.detail.empty()) text += ": " + reject.detail;
  return text;
}

}  // namespace

Bookkeeping::Bookkeeping(const std::vector<const Table*>& tables, std::vector<SinkSource> sources,
                         Options options)
    : tables_(tables), sources_(std::move(sources)), options_(std::move(options)) {}

Status Bookkeeping::Start(Ledger* ledger, bool is_committed) {
  ledger_ = ledger;
  ledger_stands_ = is_committed;
  if (Status s = WriteWaitingInputs(); !s.ok()) return s;
  if (!options_.run_journal) return {};
  journal_ = ledger_;
  if (!options_.events_db.empty()) {
    if (Status s = OpenOwnJournal(); !s.ok()) return s;
  }
  Result<int64_t> id = journal_->BeginRun(options_.run);
  if (!id) return id.error();
  options_.run.id = *id;
  run_is_written_ = journal_connection_ != nullptr;
  if (journal_connection_ != nullptr) {
    journal_connection_->SetWait({.longest = options_.wait.longest});
  }
  return {};
}

// Those of this run, and no more those that it reads now.
Status Bookkeeping::WriteWaitingInputs() {
  const Result<std::vector<WaitingRow>> before = ledger_->Waiting();
  if (!before) return before.error();
  some_wait_ = !before->empty();
  std::set<std::string_view> read;
  for (const SinkSource& source : sources_) {
    if (some_wait_) read.insert(source.key.path);
  }
  for (const WaitingRow& waiting : *before) {
    if (!read.contains(waiting.path)) continue;
    if (Status s = ledger_->DeleteWaiting(waiting.path); !s.ok()) return s;
  }
  for (WaitingRow& waiting : options_.waiting) {
    if (Status s = WriteWaiting(std::move(waiting)); !s.ok()) return s;
  }
  return {};
}

Status Bookkeeping::WriteWaiting(WaitingRow waiting) {
  some_wait_ = true;
  waiting.since = UtcNow();
  return ledger_->PutWaiting(waiting);
}

uint32_t Bookkeeping::AddSource(SinkSource source) {
  if (!forgotten_.empty()) {
    const uint32_t index = forgotten_.back();
    forgotten_.pop_back();
    sources_[index] = std::move(source);
    return index;
  }
  sources_.push_back(std::move(source));
  return static_cast<uint32_t>(sources_.size() - 1);
}

void Bookkeeping::ForgetSource(uint32_t index) {
  sources_[index] = {};
  forgotten_.push_back(index);
}

Status Bookkeeping::OpenOwnJournal() {
  Result<Connection> connection = Connection::Open(
      options_.events_db, {.mode = OpenOptions::Mode::kCreate, .wait = options_.wait});
  if (!connection) return connection.error();
  journal_connection_ = std::make_unique<Connection>(std::move(*connection));
  Result<Ledger> ledger = Ledger::Create(*journal_connection_);
  if (!ledger) return ledger.error();
  journal_ledger_ = std::make_unique<Ledger>(std::move(*ledger));
  journal_ = journal_ledger_.get();
  return {};
}

void Bookkeeping::Stamp() { now_ = UtcNow(); }

Status Bookkeeping::PutSchema(const Table& table) {
  return ledger_->PutSchema(table.name, ToToml(table), now_);
}

Status Bookkeeping::WriteRejects(const RowBatch& batch) {
  if (options_.rejects != RejectPolicy::kKeep || batch.rejects.empty()) return {};
  Result<int64_t> source = SourceId(batch.source);
  if (!source) return source.error();
  for (const Reject& reject : batch.rejects) {
    Status s = ledger_->AddReject(*source, reject.line, reject.length, ReasonText(reject), now_);
    if (!s.ok()) return s;
  }
  return {};
}

Status Bookkeeping::NoteExtraKeys(const RowBatch& batch) {
  const bool is_inferred = batch.table->preset == "auto";
  if (batch.lines_with_unknown_keys == 0 || !is_inferred || options_.adds_columns) return {};
  return ForgetUnfolded(ledger_->connection(), batch.table->name);
}

Result<int64_t> Bookkeeping::SourceId(uint32_t index) {
  SinkSource& source = sources_[index];
  if (source.known_id == 0) {
    Result<int64_t> id = ledger_->AddSource(source.key, tables_[source.table]->name);
    if (!id) return id;
    source.known_id = *id;
    if (some_wait_) {
      if (Status s = ledger_->DeleteWaiting(source.key.path); !s.ok()) return Error(s);
    }
  }
  return source.known_id;
}

Status Bookkeeping::Advance(std::span<const SourceProgress> progress) {
  for (const SourceProgress& source : progress) {
    advanced_ += source.added;
    Result<int64_t> id = SourceId(source.source);
    if (!id) return id.error();
    const SourceKey& key = sources_[source.source].key;
    if (Status s = ledger_->Advance(*id, key, source.offset, source.added, now_); !s.ok()) return s;
    if (source.is_found) {
      if (Status s = ledger_->DeleteGaps(*id); !s.ok()) return s;
    }
    if (source.gap_bytes) {
      Status s = ledger_->AddGap({.source_id = *id,
                                  .path = key.path,
                                  .byte_offset = source.offset.bytes,
                                  .bytes = *source.gap_bytes,
                                  .found_at = now_});
      if (!s.ok()) return s;
    }
    if (Status s = AddEvent("batch_committed", key.path, source.offset.bytes, source.added);
        !s.ok())
      return s;
  }
  return {};
}

Status Bookkeeping::WriteUnseen(std::string_view path) {
  return ledger_->AddGap({.path = std::string(path), .found_at = now_});
}

Status Bookkeeping::AddEvent(std::string_view event, std::string_view source_path, uint64_t offset,
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

void Bookkeeping::NoteCommit() {
  committed_ = advanced_;
  ledger_stands_ = true;
  run_is_written_ = true;
}

Status Bookkeeping::WriteRunEnd(const RunTotals& totals) {
  if (journal_ == nullptr) return {};
  options_.run.counts = totals.counts;
  options_.run.bytes_read = totals.bytes_read;
  options_.run.bytes_decoded = totals.bytes_decoded;
  options_.run.bytes_written = totals.bytes_written;
  options_.run.outcome = totals.outcome;
  options_.run.ended_at = UtcNow();
  return journal_->UpdateRun(options_.run);
}

void Bookkeeping::LeaveLedger() {
  if (journal_ == ledger_) journal_ = nullptr;
  ledger_ = nullptr;
}

// A database that is made anew goes with its journal; in one without our tables nothing is left of
// a run that committed nothing.
void Bookkeeping::WriteRunFailure(const Status& why, Connection* database) {
  if (journal_ == nullptr) return;
  // Who held the database for all of --wait would be waited for again.
  if (why.code() == StatusCode::kBusy) return;
  Connection* connection = journal_connection_.get();
  if (connection == nullptr && ledger_stands_) connection = database;
  if (connection == nullptr) return;

  options_.run.counts = committed_;
  options_.run.outcome = "failed: " + why.message();
  // The run fails with `why`, whatever comes of this.
  static_cast<void>(UpdateRunAlone(connection));
}

// In a database where nothing was committed there is no row of this run to change: it gets one.
Status Bookkeeping::UpdateRunAlone(Connection* connection) {
  Result<Transaction> transaction = Transaction::Begin(connection);
  if (!transaction) return transaction.error();
  if (!run_is_written_) {
    Result<int64_t> id = journal_->BeginRun(options_.run);
    if (!id) return id.error();
    options_.run.id = *id;
  }
  options_.run.ended_at = UtcNow();
  if (Status s = journal_->UpdateRun(options_.run); !s.ok()) return s;
  return transaction->Commit();
}

}  // namespace sluice
