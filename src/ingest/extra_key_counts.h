// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "batch/row_batch.h"
#include "sluice/ingest.hpp"

namespace sluice {

// Counts the keys that no column takes, by table, for the summary of a run.
//
// A key is remembered as its hash: live mode has few megabytes, and a key may be as long as a line.
// Limits: ExtraKeys::kMostCounted keys a table.
class ExtraKeyCounts {
 public:
  // The batch was handed to a sink; it counts from the next Commit() on.
  void Add(const RowBatch& batch);
  // Returns the tables that have such lines for the first time; valid until the next call.
  std::vector<const ExtraKeys*> Commit();
  // The rows since the last commit are gone, and will be read again.
  void Discard();

  // Tables with committed lines that had such keys.
  std::vector<ExtraKeys> Summary() const;
  // Of all tables.
  uint64_t keys() const;
  uint64_t lines() const;

 private:
  struct OfTable {
    ExtraKeys committed;
    uint64_t uncommitted_lines = 0;
    std::unordered_set<uint64_t> hashes;
  };
  static void Remember(const std::string& key, OfTable* of);

  std::map<std::string, OfTable> tables_;  // by name
};

}  // namespace sluice
