// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/ingest.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// The options of ApplySchema.
struct ApplyOptions {
  std::string database;
  std::string schema;  // a path that ends in ".toml", or a preset
  std::string table;   // "" is the schema's own name
  // Drop the columns that the schema does not have any more, with what is in them.
  bool drop = false;
  // A column whose `from` changed keeps its values in the rows that are there.
  bool new_lines_only = false;
  bool dry_run = false;                    // say what would change, and change nothing
  std::chrono::milliseconds wait{10'000};  // for another writer
  // Bytes that are free for the database. Default: what the file system says.
  std::optional<uint64_t> free_bytes;
};

struct ApplySummary {
  std::string table;
  std::vector<std::string> changes;  // one line each, for people; none: the table was that already
  bool rebuilt = false;              // the table was written anew
  uint64_t rows = 0;                 // that were written anew
  RetrySummary retried;              // rejects of the table, tried by the new schema
  std::vector<std::string> notes;    // what was left as it is, for people
};

// Makes a table of the database what a schema says: adds, changes and drops columns, constraints,
// indexes, views and full text, in one transaction. A change of type has to keep every value: what
// the new type makes of it must be the old value again by the old type. Then tries the rejects of
// the table again, in a second transaction.
//
// It keeps rowids, and triggers, indexes, views and columns of others. It needs room for the table
// twice beside the database. Readers of a WAL database read on.
//
// Blocks. Threads: as RunIngest; the database may have no other run. `stop` ends it before the
// commit. hooks.progress hears of phase kFinishing.
// Errors: kUsage for a change that needs a word more (drop, new_lines_only) or cannot be made,
// kConstraint with a count and an example if rows do not fit, kFull without room: the table and its
// stored schema are as they were. An error of the second transaction says that the first stands.
Result<ApplySummary> ApplySchema(const ApplyOptions& options, const StopToken& stop = StopToken(),
                                 const IngestHooks& hooks = {});

}  // namespace sluice
