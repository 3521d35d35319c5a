// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace sluice {

struct RetryOptions {
  std::string database;
  std::string table;                       // "" is every table
  std::chrono::milliseconds wait{10'000};  // for another writer
};

struct RetrySummary {
  uint64_t tried = 0;
  uint64_t rows = 0;     // rejects that are rows now, and no rejects any more
  uint64_t cut_off = 0;  // of these only the first 1 MiB was kept: they cannot be tried
};

// Tries the rejected lines again, by the schema that their table has now: all in one transaction
// (I1). A line that is refused again stays a reject. A row of a retried line has the line number
// and byte offset that the line had, and a new rowid.
Result<RetrySummary> RetryRejects(const RetryOptions& options);

}  // namespace sluice
