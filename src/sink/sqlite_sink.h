// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sink/bookkeeping.h"
#include "sink/sink.h"
#include "sink/table_writer.h"
#include "sink/target_database.h"
#include "sluice/import_scope.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// A sink through SQLite's API: for a database that exists, and for a new one where pages are not
// written directly.
//
// A new database is a temporary file that no one else can see: it is written without a journal, in
// one transaction, and gets its indexes after the rows. An existing one is written inside an import
// scope, in WAL (or its own journal), one transaction per Commit; a table that this run makes gets
// its indexes after the rows too.
class SqliteSink final : public Sink {
 public:
  struct Options {
    uint64_t cache_bytes = uint64_t{128} << 20;
    uint64_t wal_cap_bytes = uint64_t{64} << 20;
    uint64_t checkpoint_bytes = 0;  // of the WAL, moved at a time; 0: all at the cap
    bool durable = false;           // synchronous=FULL
    bool sync_indexes = false;
    // For a run that never ends: indexes and full text are made at the start and not at the end.
    bool indexes_first = false;
    // How long BeginTransaction waits for another writer; not set: as long as the target does. The
    // first transaction, which is Open's, waits as the target does in any case.
    std::optional<std::chrono::milliseconds> busy_wait;
    Bookkeeping::Options bookkeeping;
  };

  // Makes the tables that are missing. Lifetime: target, tables and sources outlive the sink.
  static Result<std::unique_ptr<SqliteSink>> Open(TargetDatabase* target,
                                                  std::vector<const Table*> tables,
                                                  std::vector<SinkSource> sources, Options options);
  ~SqliteSink() override;

  void Screen(RowBatch*) override {}  // SQLite refuses rows itself, when they are written
  Status Encode(RowBatch*, unsigned) override { return {}; }  // and makes the records
  Result<bool> CommitsEachLine(uint32_t source) override;
  Status Write(RowBatch* batch) override;
  Result<std::vector<std::string>> ColumnsOf(uint32_t table_index) override;
  Status AddColumns(uint32_t table_index, const Table& table) override;
  Status Commit(std::span<const SourceProgress> progress) override;
  Status AfterCommit() override;
  Status Finish(const RunTotals& totals, const StepFunction& step) override;
  void Abandon(const Status& why) override;

  // What a run needs that finds its sources as it goes, and never ends (live mode).

  // A source more: batches name it by the index that comes back.
  uint32_t AddSource(SinkSource source);
  // No batch names it any more: its index is given to another one.
  void ForgetSource(uint32_t index) { bookkeeping_.ForgetSource(index); }
  // It lies under another name now, which its row says from the next Commit on that has it.
  void MoveSource(uint32_t index, const SourceKey& key);
  // An input that cannot be read yet: the next Commit has it.
  Status AddWaiting(WaitingRow waiting);
  // A file of this name is gone of which nothing was ever read: the next Commit has it.
  Status AddUnseenGap(std::string_view path);
  // Its row in _sluice_sources; 0 before its first Commit.
  int64_t SourceId(uint32_t index) const { return bookkeeping_.source(index).known_id; }
  // Ahead of Write, which else begins one itself. kBusy where somebody else writes: nothing was
  // done, and it may be called again.
  Status BeginTransaction() { return EnsureTransaction(); }
  // As of the import scope; true where there is none.
  Result<bool> WalHasRoom();
  uint64_t wal_bytes() const { return scope_ ? scope_->wal_bytes() : 0; }
  std::vector<std::string> WalPinnedBy() const;

 private:
  // A table of the run, and what takes a batch into it.
  struct Target {
    const Table* table = nullptr;
    std::unique_ptr<TableWriter> writer;
  };

  SqliteSink(TargetDatabase* target, const std::vector<const Table*>& tables,
             std::vector<SinkSource> sources, Options options);
  Status Start(const std::vector<const Table*>& tables);
  Status MakeTable(Target* target);
  Status FitExistingTable(const Target& target, const std::vector<std::string>& columns);
  Status MakeUniqueIndex(const Table& table, const Index& index);
  Status OpenWriter(uint32_t index);
  Target& TargetOf(uint32_t source) { return targets_[bookkeeping_.source(source).table]; }

  Status EnsureTransaction();
  Status CommitTransaction();
  Status CommitStep();

  Status PublishDatabase(const StepFunction& step);
  Status FinishTable(Target& target, const StepFunction& step);
  Status MakeIndexes(Target& target, const StepFunction& step);
  Status MakeViews(const Ownership& owned, const std::vector<const Table*>& tables);
  Status MakeIndexesFirst();
  Result<bool> IsListed(const Table& table, const std::string& name);
  Status DropUnlistedIndexes(const Target& target);
  Status BeginScope();
  Status EndScope();

  TargetDatabase* target_;
  Options options_;
  Bookkeeping bookkeeping_;

  std::vector<Target> targets_;
  std::optional<ImportScope> scope_;  // not over a new database
  std::optional<Transaction> transaction_;
  bool transaction_holds_rows_ = false;
  bool ended_ = false;  // finished or abandoned
};

}  // namespace sluice
