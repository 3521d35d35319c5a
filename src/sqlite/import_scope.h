// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

struct sqlite3;

namespace sluice {

// The PRAGMAs of a connection, set for the length of an import and set back after it.
//
//   Begin ──▶ { the caller's transactions, AfterCommit after each }* ──▶ End | Forsake
//
// Begin       remembers cache_size, synchronous, wal_autocheckpoint, cache_spill, threads,
// mmap_size; then sets
//               cache_size          to `cache_bytes`, unless it is larger already;
//               synchronous         in WAL mode NORMAL, or FULL with `durable`; elsewhere what it
//               is,
//                                   or EXTRA with `durable`, but OFF becomes FULL (I7). NORMAL in
//                                   WAL mode loses no order: a power cut may take the last commits,
//                                   rows and offset together (I1), and End syncs them all;
//               wal_autocheckpoint  out of reach, for checkpoints now go by `wal_cap_bytes`. A WAL
//               hook of the application's own stays.
//             What is not touched, and why: journal_mode (never), temp_store (SQLite drops all
//             temporary tables of the connection when it changes), the busy handler (an
//             application's own cannot be read back).
// AfterCommit where the WAL has passed `wal_cap_bytes`: checkpoint PASSIVE, and where readers keep
// the WAL from starting anew,
//             RESTART, waiting for them up to `checkpoint_wait` (I3: on this connection). The WAL
//             may grow beyond the cap while a reader pins it; then this is tried again after each
//             further quarter of the cap.
// End         PRAGMA optimize, checkpoint TRUNCATE, every PRAGMA back to what Begin remembered, and
// read back. A WAL that a reader pins is
//             synced, so that what was committed is durable whatever `synchronous` was.
//
// A database with a rollback journal gets all this but the steps of the WAL.
//
// It works on an application's own live connection, which it neither opens nor closes, between two
// transactions of it: an open transaction is an error. A connection that was reopened in mid-import
// gets the scope by Begin on the new one, with the same options; Forsake() the old scope first, its
// connection being gone.
//
// Lifetime: the connection outlives the scope. Threads: the connection's.
// Errors: after a failed AfterCommit or End the state of the file is not known where a sync failed:
// condemn the connection (I8). The PRAGMAs are set back even then, for that writes nothing. Who
// condemned the connection calls Forsake().
class ImportScope {
 public:
  struct Options {
    uint64_t cache_bytes = uint64_t{256} << 20;
    uint64_t wal_cap_bytes = uint64_t{64} << 20;
    bool durable = false;  // synchronous=FULL: a sync of the WAL at each commit
    std::chrono::milliseconds checkpoint_wait{
        250};  // for readers, at each RESTART, and at the TRUNCATE
  };

  struct Report {
    uint64_t wal_bytes = 0;  // of the -wal file at the end; under 4 KiB unless it is pinned
    std::vector<std::string> pinned_by;  // who pins it, as "pid 123 (name)", where Linux tells
    uint64_t checkpoints = 0;            // in the scope, the last one included
  };

  static Result<ImportScope> Begin(sqlite3* db, const Options& options);
  ImportScope(ImportScope&& other) noexcept;
  ImportScope& operator=(ImportScope&&) = delete;
  // Like End(), its report thrown away.
  ~ImportScope();

  // After each COMMIT. Costs nothing until the WAL has passed the cap.
  Status AfterCommit();
  // kUsage with a transaction open: then the scope still stands.
  Result<Report> End();
  // The PRAGMAs are left as they are, and the connection is not used any more.
  void Forsake();

 private:
  struct State;
  explicit ImportScope(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;  // null once ended
};

}  // namespace sluice
