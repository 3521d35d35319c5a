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

// A connection for other people's SQL: it can read, and nothing else.
//
// The file is opened read-only, never as `immutable` (which would ignore a WAL and the locks of
// others); the read-only profile is applied; an authorizer lets pass SELECT, functions but those
// that reach out of the database, and PRAGMAs that only tell. A statement that wants more fails
// when it is prepared, with kUsage. Limits: a database in WAL mode needs its -shm, so on a
// read-only file system it can be read only where its -wal and -shm are there already; the error
// says so.
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
