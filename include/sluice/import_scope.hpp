// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sluice/status.hpp"

struct sqlite3;

namespace sluice {

// The PRAGMAs of a connection, set for the length of an import and set back after it.
//
//   Begin ──▶ { the caller's transactions, AfterCommit after each }* ──▶ End | Forsake
//
// Begin remembers cache_size, synchronous, wal_autocheckpoint, cache_spill, threads and mmap_size,
// and sets
//   cache_size          to `cache_bytes`, unless it is larger already;
//   synchronous         WAL: NORMAL, or FULL with `durable`. Under NORMAL a power cut may take the
//                       last commits, but no part of one; End makes all of them durable.
//                       Rollback journal: as it is, or EXTRA with `durable`; OFF becomes FULL;
//   wal_autocheckpoint  out of reach: checkpoints go by `wal_cap_bytes` now. If the application
//                       has a WAL hook of its own, the hook stays.
// It does not touch journal_mode (never), temp_store (SQLite drops the temporary tables of the
// connection when it changes) or the busy handler (an application's own cannot be read back).
//
// AfterCommit checkpoints, on this connection, when the WAL has passed `wal_cap_bytes`. PASSIVE
// moves the frames while others write; RESTART then waits up to `checkpoint_wait` for readers, so
// that the WAL starts anew. While a reader pins it the WAL grows beyond the cap, and this is tried
// again after each further quarter of the cap. An application that would rather wait than let it
// grow asks HasRoom() before the next transaction.
//
// With `checkpoint_bytes` no commit waits long for the disk: as the WAL grows, pages are moved in
// small checkpoints, with a thread to sync what was written and a connection of its own to the
// database, which only reads; and if nobody reads from it the WAL starts anew at half of its cap.
// AfterCommit still does all checkpoints, and all syncs that durability rests on.
//
// End runs PRAGMA optimize, checkpoints with TRUNCATE, sets every PRAGMA back and reads it back. A
// WAL that stays because a reader pins it is synced, so that what was committed is durable.
//
// A database with a rollback journal gets all this except the steps of the WAL.
//
// It works on an application's own live connection, which it neither opens nor closes, between two
// transactions: an open one is an error. A connection that was reopened in mid-import gets the
// scope by Begin on the new one, with the same options; Forsake() the old scope before its
// connection goes.
//
// Which connection: one that was opened by the SQLite that the library is linked to, by default the
// one installed with it (sqlite3.h in sluice/sqlite, CMake target sluice::sqlite3). A connection of
// another copy in the process, such as the system's libsqlite3 in a plugin, is refused by Begin. So
// is one whose VFS was unregistered meanwhile. A closed connection cannot be recognised: it is a
// dangling pointer. A connection has one scope at a time; a second Begin is refused, because it
// would take the PRAGMAs of the first for the application's own.
//
// Lifetime: the connection outlives the scope.
// Threads: one thread at a time calls the scope. Meanwhile other threads may use the connection if
// it is serialized (sqlite3_open, or SQLITE_OPEN_FULLMUTEX), as they may without a scope; but a
// transaction that one of them has open makes End an error. The installed SQLite is serialized by
// default, as Debian's is; SQLITE_OPEN_NOMUTEX takes the locks away from a connection that one
// thread uses. Do not turn the whole copy to SQLITE_CONFIG_SINGLETHREAD: sluice has threads.
// Errors: if a sync failed in AfterCommit or End, the state of the file is not known: write nothing
// more through this connection, and close it. The PRAGMAs are set back even then, because that
// writes nothing. After a failed COMMIT call Forsake().
class ImportScope {
 public:
  struct Options {
    uint64_t cache_bytes = uint64_t{256} << 20;
    uint64_t wal_cap_bytes = uint64_t{64} << 20;
    // This much of the WAL is moved at a time, at most an eighth of the cap. 0: all at the cap.
    uint64_t checkpoint_bytes = 0;
    bool durable = false;  // each commit is durable when it returns
    // How long to wait for readers, at each RESTART and at the TRUNCATE.
    std::chrono::milliseconds checkpoint_wait{250};
  };

  struct Report {
    uint64_t wal_bytes = 0;  // of the -wal file at the end; under 4 KiB unless it is pinned
    std::vector<std::string> pinned_by;  // who pins it, as "pid 123 (name)", if Linux tells
    uint64_t checkpoints = 0;            // in the scope, small ones and the last one included
  };

  // kUsage: null, a connection of another SQLite, one that has a scope or an open transaction. Then
  // nothing was changed.
  static Result<ImportScope> Begin(sqlite3* db, const Options& options);
  ImportScope(ImportScope&& other) noexcept;
  ImportScope& operator=(ImportScope&&) = delete;
  // As End(), without its report. If a transaction is open nothing is set back: call End() first.
  ~ImportScope();

  // After each COMMIT. Costs nothing until the WAL has passed the cap.
  Status AfterCommit();
  // Whether the WAL is below its cap. If it is not, a checkpoint is tried, with the bounded wait
  // for readers, so that the WAL starts anew at their pace instead of at each commit.
  Result<bool> HasRoom();
  uint64_t wal_bytes() const;  // as far as this connection knows: others may have written too
  // The processes that read from the WAL or write to it, if Linux tells.
  std::vector<std::string> PinnedBy() const;

  // kUsage while a transaction is open: the scope then goes on.
  Result<Report> End();
  // The PRAGMAs are left as they are, and the connection is not used any more.
  void Forsake();

 private:
  struct State;
  explicit ImportScope(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;  // null once ended
};

}  // namespace sluice
