// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

struct sqlite3;

namespace sluice {

// The PRAGMAs of a connection, set for the length of an import and set back after it.
//
// Begin: remembers cache_size, synchronous, temp_store, wal_autocheckpoint, ... ; sets a large cache, checkpoints by
//        size of the WAL instead of by pages, temp_store=MEMORY. journal_mode is never changed, synchronous never OFF (I7).
// AfterCommit: checkpoints (PASSIVE, then RESTART with a bounded wait) when the WAL has passed `wal_cap` bytes (I3: on this connection).
// End: sets every PRAGMA back and reads it back, checkpoints with TRUNCATE, runs PRAGMA optimize.
//
// It works on an application's own live connection, which it neither opens nor closes.
// Lifetime: the connection outlives the scope. Threads: the connection's.
// Errors: where the connection was condemned (I8), call Forsake(): the PRAGMAs are left, nothing is written.
class ImportScope {
 public:
  struct Options {
    uint64_t cache_bytes = uint64_t{256} << 20;
    uint64_t wal_cap_bytes = uint64_t{64} << 20;
  };

  struct Report {
    uint64_t wal_bytes = 0;                 // of the -wal file after the TRUNCATE checkpoint; under 4 KiB unless pinned
    std::vector<std::string> pinned_by;     // who pins it, as "pid 123 (name)", where Linux tells
    uint64_t checkpoints = 0;
  };

  static Result<ImportScope> Begin(sqlite3* db, const Options& options);
  ImportScope(ImportScope&& other) noexcept;
  ImportScope& operator=(ImportScope&&) = delete;
  // Like End(), its report thrown away.
  ~ImportScope();

  Status AfterCommit();
  Result<Report> End();
  void Forsake();

 private:
  ImportScope() = default;
  sqlite3* db_ = nullptr;
};

}  // namespace sluice
