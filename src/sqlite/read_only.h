// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "sqlite/connection.h"

namespace sluice {

struct ReadOnlyOptions {
  std::chrono::milliseconds busy_timeout{5000};
  uint64_t cache_bytes = uint64_t{64} << 20;
};

// A connection for reading that leaves no -wal and no -shm that was not there before.
//
// A read-only connection to a WAL database makes both files and cannot remove them: the last
// connection removes them as it closes, under an exclusive lock, for which its file must be open
// for writing. We never remove them ourselves, because another process may have opened them since
// we looked. So the mode depends on what stands beside the database (only stat()ed: I10):
//
//   -wal with content, and -shm      kReadOnly   both are somebody's, and stay as they are. A WAL
//                                                that a killed writer left is not checkpointed:
//                                                Litestream may want to read on from it.
//   else, if file and folder can     kReadWrite  SQLite removes what it made if we are the last.
//   be written                                   (A WAL with content but no -shm was moved here
//   with
//                                                its database; it is checkpointed as by any
//                                                program.)
//   else, both there                 kReadOnly   SQLite reads a -shm that it cannot write
//   else, no content in a -wal,      kFrozen     nothing else can be read here. No -wal means that
//   and the header says WAL                      nobody is connected; if a writer comes meanwhile,
//                                                the pages change when it checkpoints, which
//                                                changes the file: after the last row, the caller
//                                                asks CheckUnchanged().
//   else                             kReadOnly   a rollback journal needs no file to read; a WAL
//                                                whose -shm cannot be made is an error that says so
//
// kReadWrite is only how the file is opened: the caller writes nothing through the connection, so
// I3's one writer is not affected.
Result<Connection> OpenForReading(const std::string& path, const OpenOptions& options);

// A connection for other people's SQL, opened as above: it can read, and nothing else.
//
// The read-only profile is applied; an authorizer lets pass SELECT, functions but those that reach
// out of the database, and PRAGMAs that only tell. A statement that wants more fails when it is
// prepared, with kUsage.
Result<Connection> OpenReadOnly(const std::string& path, const ReadOnlyOptions& options);

// Ends statements of a connection that run for too long, or when `stop` is set.
//
// Lifetime: the connection and the token outlive it; while it lives the connection does not move.
// Threads: the connection's. One a connection.
class TimeLimit {
 public:
  // `stop` may be null. A limit of 0 is none.
  TimeLimit(Connection& connection, std::chrono::milliseconds limit, const StopToken* stop);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

  // Time that was not spent in SQLite, as when a pager takes no more rows, does not count.
  void Extend(std::chrono::steady_clock::duration spent_elsewhere) { until_ += spent_elsewhere; }
  // Begins to count anew.
  void Restart();
  bool expired() const;
  // Of a statement that ended with `status`: says so where it was this limit that ended it.
  Status Explain(const Status& status) const;

 private:
  static int OnProgress(void* self);

  Connection& connection_;
  const std::chrono::milliseconds limit_;
  const StopToken* const stop_;
  std::chrono::steady_clock::time_point until_;
  bool expired_ = false;
};

}  // namespace sluice
