// SPDX-License-Identifier: Apache-2.0
#include "sqlite/update_counter.h"

#include <sqlite3.h>

namespace sluice {

UpdateCounter::UpdateCounter(Connection& connection) : connection_(connection) {
  auto count = [](void* counter, int operation, const char*, const char*, sqlite3_int64) {
    if (operation == SQLITE_UPDATE) ++*static_cast<uint64_t*>(counter);
  };
  sqlite3_update_hook(connection_.handle(), count, &count_);
}

UpdateCounter::~UpdateCounter() { sqlite3_update_hook(connection_.handle(), nullptr, nullptr); }

}  // namespace sluice
