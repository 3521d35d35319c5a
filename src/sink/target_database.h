// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"
#include "publish/fresh_database.h"
#include "publish/ownership.h"
#include "publish/target_lock.h"
#include "sink/unfold.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// The database of a run, locked against other runs for as long as this lives; before any row is
// written it answers what the database knows already. Either one that exists, or one that will be
// made from nothing (I6).
//
// Threads: one at a time. There is one write connection, and it is here (I3).
class TargetDatabase {
 public:
  struct Options {
    bool from_scratch = false;
    bool force = false;
    FreshDatabase::Verify verify = FreshDatabase::Verify::kLight;
    // For another run, or for any other writer; a stop ends it until the sink is open, and no wait
    // after that.
    LockWait wait{.longest = std::chrono::milliseconds{10'000}};
    uint32_t page_size = 4096;  // of a new database
    bool look_only = false;     // --dry-run: takes no lock, makes nothing, opens read-only
  };

  static Result<std::unique_ptr<TargetDatabase>> Open(const std::string& path,
                                                      const Options& options);

  TargetDatabase(const TargetDatabase&) = delete;
  TargetDatabase& operator=(const TargetDatabase&) = delete;

  // Whether it is being made from nothing: then it knows no table and no source.
  bool fresh() const { return fresh_.has_value() || connection_ == nullptr; }
  // Where it will stand: symlinks resolved.
  const std::string& path() const { return path_; }

  // The bookkeeping; nullptr while the database has none. To be written within the sink's
  // transaction.
  Ledger* ledger() { return ledger_.get(); }
  Result<std::vector<SourceRow>> Sources();
  // As Ledger::EachSource; of a database that has none, none. Sources of a table that is gone are
  // left out: their rows went with it, so they are to be read again.
  Status EachSource(const std::function<Status(SourceRow)>& visit);
  // The table that an earlier run resolved and stored, if it is still there.
  Result<std::optional<Table>> StoredTable(std::string_view name);
  // As ReadTable of sink/current_table.h.
  Result<std::optional<Table>> AsItIsThere(Table stored);
  Result<bool> HasRows(std::string_view table);
  // Of a database that exists, to change its tables beside any sink.
  Connection& connection() { return *connection_; }
  // As CompileViews of sink/current_table.h, over this database.
  Status CompileViews(const std::vector<Table>& tables, std::string_view of);
  // Columns of a table or view that is there; empty when there is none of that name.
  Result<std::vector<std::string>> ColumnsOf(std::string_view name);
  // kUsage where a table of this name is there and lacks columns of it.
  Status CheckColumns(const Table& table);
  Result<bool> HasIndex(std::string_view name);
  Result<std::vector<std::string>> ColumnsOfIndex(std::string_view name);
  // The statements that would make what this table still lacks: itself, columns, indexes, full
  // text.
  Result<std::vector<std::string>> MissingDdl(const Table& table);
  // The table with columns for keys that its @extra column holds, their values moved there, in one
  // transaction (sink/unfold.h); nothing if there are no such keys, or none since the last time. A
  // table that cannot be unfolded, or whose trigger refuses it, stays as it is, which a note says.
  Result<std::optional<Table>> Unfold(const Table& table, const UnfoldRules& rules);
  // What of it is ours, as of now (I12).
  Result<Ownership> Owned();

  // Turns a database that exists to WAL, once. Opening leaves it as it is: it may be another
  // application's, which is not known before the plan is made.
  Status TurnToWal();
  // What was done to it that a person should know ("turned app.db to WAL").
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Result<std::optional<Table>> UnfoldKeys(const Table& table, std::optional<Table> wider,
                                          const UnfoldRules& rules);
  friend class SqliteSink;
  friend class PageSink;
  TargetDatabase() = default;
  Status OpenExisting(const Options& options);
  Status ClaimFresh(const Options& options);
  // A fresh database has no file before this.
  Status OpenConnection();
  // To a file that nobody else sees and that goes when the run ends: it needs no journal.
  Result<Connection> OpenTemporary(const std::string& path, OpenOptions::Mode mode) const;
  std::string BlueprintPath() const { return fresh_->temporary_path() + "-blueprint"; }
  Result<std::vector<std::string>> Names(const std::string& sql, std::string_view of);

  std::string path_;
  std::chrono::milliseconds longest_wait_{0};
  uint32_t page_size_ = 0;  // of a fresh database
  std::vector<std::string> notes_;
  // Destroyed from the last to the first: statements before their connection, the connection before
  // the file is published or removed, and that before the lock is given back.
  std::optional<TargetLock> lock_;  // a fresh database takes it over
  std::optional<FreshDatabase> fresh_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Ledger> ledger_;  // none while an existing database has no _sluice_ tables yet
};

}  // namespace sluice
