// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "sqlite/connection.h"

namespace sluice {

// Counts the rows that statements of a connection update, which sqlite3_changes() does not tell
// from those they insert: an upsert does both. It takes the connection's update hook.
//
// Lifetime: ends before the connection. Threads: the connection's.
class UpdateCounter {
 public:
  explicit UpdateCounter(Connection& connection);
  UpdateCounter(const UpdateCounter&) = delete;
  UpdateCounter& operator=(const UpdateCounter&) = delete;
  ~UpdateCounter();

  uint64_t count() const { return count_; }

 private:
  Connection& connection_;
  uint64_t count_ = 0;
};

}  // namespace sluice
