// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Counts how often an upsert finds its key in the table. sqlite3_changes() does not tell a row that
// was updated from one that was inserted. The update hook does, but it also hears of what triggers
// do to the same table. So the statement itself says it, by an SQL function that is always true:
//
//   INSERT INTO t(...) VALUES (...) ON CONFLICT(id) DO UPDATE SET ... WHERE NAME()
//
// Lifetime: ends before the connection. Statements that name the function end before it. Threads:
// the connection's.
class ConflictCounter {
 public:
  // `name`: of the function. Only top-level SQL can call it.
  static Result<ConflictCounter> Register(Connection& connection, const std::string& name);

  uint64_t count() const { return *count_; }
  void Restart() { *count_ = 0; }

 private:
  explicit ConflictCounter(std::unique_ptr<uint64_t> count) : count_(std::move(count)) {}
  std::unique_ptr<uint64_t> count_;  // its address is known to SQLite
};

}  // namespace sluice
