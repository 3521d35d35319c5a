// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "sink/sink.h"
#include "sink/target_database.h"
#include "sluice/import_scope.hpp"
#include "sluice/status.hpp"
#include "sqlite/cell_table.h"
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
    bool durable = false;  // synchronous=FULL
    enum class Rejects : uint8_t { kKeep, kCount, kFail } rejects = Rejects::kKeep;
    bool sync_indexes = false;
    bool batch_events = false;  // --events batch
    bool run_journal = true;    // --events run or batch
    std::string events_db;      // "" is the database itself
    std::chrono::milliseconds wait{10'000};
    RunRow run;  // what _sluice_runs is to hold of this run: started_at, path, command
  };

  // Makes the tables that are missing. Lifetime: target, tables and sources outlive the sink.
  static Result<std::unique_ptr<SqliteSink>> Open(TargetDatabase* target,
                                                  std::vector<const Table*> tables,
                                                  std::vector<SinkSource> sources, Options options);
  ~SqliteSink() override;

  void Screen(RowBatch*) override {}  // SQLite refuses rows itself, when they are written
  Status Encode(RowBatch*, unsigned) override { return {}; }  // and makes the records
  Status Write(RowBatch* batch) override;
  Status AddColumns(uint32_t table_index, const Table& table) override;
  Status Commit(std::span<const SourceProgress> progress) override;
  Status Finish(const StepFunction& step) override;
  void Abandon(const Status& why) override;

  // What the run journal should say at its end: counts and bytes. Before Finish.
  void SetRunTotals(const LineCounts& counts, uint64_t bytes_read, uint64_t bytes_decoded,
                    uint64_t bytes_written, std::string outcome);

  // What a person should know: indexes dropped, who pins the WAL. After Finish.
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  // A table of the run, and the statement that takes a batch into it.
  struct Target {
    const Table* table = nullptr;
    std::string feed_name;  // of the virtual table over the batch's cells
    std::optional<CellTable> feed;
    Statement insert;
    std::vector<size_t> key_columns;  // positions of the primary key's columns
  };

  SqliteSink(TargetDatabase* target, std::vector<SinkSource> sources, Options options);
  Status Start(const std::vector<const Table*>& tables);
  Status MakeTable(Target* target);
  Status FitExistingTable(const Target& target, const std::vector<std::string>& columns);
  Status AddColumn(const Table& table, const Column& column);
  Status MakeUniqueIndex(const Table& table, const Index& index);
  Status PrepareInsert(Target* target);
  Status OpenJournal();

  Status EnsureTransaction();
  Status CommitTransaction();
  Status WriteRows(Target& target, RowBatch* batch, size_t begin, size_t end);
  Status RefuseRow(RowBatch* batch, size_t row, std::string detail);
  Status WriteRejects(const RowBatch& batch);
  Result<int64_t> SourceId(uint32_t source);
  Status AddEvent(std::string_view event, std::string_view source_path, uint64_t offset,
                  const LineCounts& counts);

  Status PrepareToSort();
  Status PublishDatabase(const StepFunction& step);
  Status FinishTable(Target& target, const StepFunction& step);
  Status MakeIndexes(Target& target, const StepFunction& step);
  Status MakeView(const View& view);
  Result<bool> IsListed(const Table& table, const std::string& name);
  Status DropUnlistedIndexes(const Target& target);
  Status WriteRunEnd();
  void WriteRunFailure(const Status& why);
  Status UpdateRunAlone();
  bool JournalCanBeWritten() const;
  Status BeginScope();
  Status EndScope();

  TargetDatabase* target_;
  std::vector<SinkSource> sources_;
  Options options_;
  std::vector<std::string> notes_;
  std::vector<std::string> warnings_;

  std::vector<Target> targets_;
  std::optional<ImportScope> scope_;  // not over a new database
  std::optional<Transaction> transaction_;
  std::string now_;  // stamp of the current transaction

  // The run journal: in the database, or in a file of its own, which may lag.
  std::unique_ptr<Connection> journal_connection_;
  std::unique_ptr<Ledger> journal_ledger_;
  Ledger* journal_ = nullptr;
  bool run_is_written_ = false;  // its row in _sluice_runs is committed

  LineCounts committed_;        // of this run
  bool ledger_stands_ = false;  // its tables are committed
  bool ended_ = false;          // finished or abandoned
};

}  // namespace sluice
