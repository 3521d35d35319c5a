// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"
#include "sink/sink.h"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// What becomes of lines that could not become rows.
enum class RejectPolicy : uint8_t {
  kKeep,   // they go to _sluice_rejects
  kCount,  // they are counted
  kFail,   // the run ends before the first one, which the next run reads again
};

// What a run writes beside its rows, the same whichever way those go: sources with their offsets,
// rejects, resolved schemas, and the run journal.
//
// All of it goes to one ledger, within the transaction of the sink (I1); only the journal may have
// a file of its own (--events-db), which may lag. Threads: the sink's.
class Bookkeeping {
 public:
  struct Options {
    RejectPolicy rejects = RejectPolicy::kKeep;
    bool run_journal = true;    // --events run or batch
    bool batch_events = false;  // --events batch
    // A key that has no column can be none: the run adds columns.
    bool adds_columns = false;
    std::string events_db;  // "" is the database itself
    // For who writes to events_db: a stop ends it until the run is in the journal.
    LockWait wait{.longest = std::chrono::milliseconds{10'000}};
    std::vector<WaitingRow> waiting;  // inputs of this run of which nothing is read; no `since`
    RunRow run;  // what _sluice_runs is to hold of this run: started_at, path, command
  };

  // Lifetime: the tables outlive it.
  Bookkeeping(const std::vector<const Table*>& tables, std::vector<SinkSource> sources,
              Options options);

  // Begins the run. `is_committed`: the ledger's tables stood before. Lifetime: the ledger lives
  // until LeaveLedger().
  Status Start(Ledger* ledger, bool is_committed);
  // A transaction begins: what is written in it bears this time.
  void Stamp();
  Status PutSchema(const Table& table);
  Status WriteRejects(const RowBatch& batch);
  // Rows of the batch have keys without a column: a run that adds columns is to find them.
  Status NoteExtraKeys(const RowBatch& batch);
  Status Advance(std::span<const SourceProgress> progress);
  // A possible gap: a file of this name of which nothing was ever read is gone.
  Status WriteUnseen(std::string_view path);
  // An input that a run finds as it goes, and cannot read yet.
  Status WriteWaiting(WaitingRow waiting);
  // What was advanced so far is there to stay, as far as the sink can tell.
  void NoteCommit();
  Status WriteRunEnd(const RunTotals& totals);
  // Nothing more goes to the ledger: its connection is about to be closed.
  void LeaveLedger();

  // The journal hears why the run failed. `database` is where the ledger stands; nullptr where
  // that goes, or cannot be written any more.
  void WriteRunFailure(const Status& why, Connection* database);

  // For a run that finds its sources as it goes.
  uint32_t AddSource(SinkSource source);
  // It is gone: its index is given to another one.
  void ForgetSource(uint32_t index);
  void MoveSource(uint32_t index, const SourceKey& key) { sources_[index].key = key; }
  const SinkSource& source(uint32_t index) const { return sources_[index]; }

 private:
  Status OpenOwnJournal();
  Status WriteWaitingInputs();
  Result<int64_t> SourceId(uint32_t source);
  Status AddEvent(std::string_view event, std::string_view source_path, uint64_t offset,
                  const LineCounts& counts);
  Status UpdateRunAlone(Connection* connection);

  std::vector<const Table*> tables_;
  std::vector<SinkSource> sources_;
  std::vector<uint32_t> forgotten_;  // indexes of sources_ that are free
  Options options_;
  Ledger* ledger_ = nullptr;
  bool ledger_stands_ = false;  // its tables are committed
  bool some_wait_ = false;      // the ledger has inputs that wait
  std::string now_;             // stamp of the current transaction

  // The run journal: in the database, or in a file of its own.
  std::unique_ptr<Connection> journal_connection_;
  std::unique_ptr<Ledger> journal_ledger_;
  Ledger* journal_ = nullptr;
  bool run_is_written_ = false;  // its row in _sluice_runs is committed

  // Of this run.
  LineCounts advanced_;
  LineCounts committed_;
};

}  // namespace sluice
