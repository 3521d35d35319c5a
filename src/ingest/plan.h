// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "follow/identity.h"
#include "ingest/knowledge.h"
#include "offset/offset.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "source/source.h"

namespace sluice {

// One source of a run: which table its lines go to, and from where on it is read.
struct PlannedSource {
  SourceKey key;
  uint32_t table = 0;        // index in RunPlan::tables
  int64_t known_id = 0;      // its row in _sluice_sources; 0 for a new one
  Offset from;               // where to go on; 0 for a new one
  bool new_place = false;    // the ledger is to learn of its key or offset even if no line follows
  bool is_copy = false;      // of a source whose file still stands
  bool is_done = false;      // a known one with nothing to read
  uint64_t stored_size = 0;  // of the file, compressed or not; 0 where it is not known
  std::string decision;      // "new", "grown", "unchanged", ...: see docs/sources.md
  std::string
      schema;  // how the table was chosen: the name of a preset, "inferred", "stored", a path
  // What it has to get before its lines can be read; "" if they can. For the sake of what had its
  // path before it is identified all the same; then it is moved to RunPlan::waiting.
  std::string awaits;
  std::unique_ptr<Source> open;      // stdin, which is opened but once
  std::optional<Identity> identity;  // if its path alone told which source it is

  // Of one that awaits something. A stream has ended by now, unless a live run goes on with it.
  WaitingInput AsWaiting(bool inputs_may_come) const {
    return {.path = key.path,
            .stored_size = stored_size,
            .awaits = awaits,
            .is_over = open != nullptr && !inputs_may_come};
  }
};

// A source whose path has other content by now and whose own is nowhere: lines behind its offset,
// if there were any, are gone.
struct LostSource {
  SourceKey key;
  uint32_t table = 0;  // index in RunPlan::tables
  int64_t known_id = 0;
  Offset offset;
};

// What a run will do, decided before the first row is written.
struct RunPlan {
  std::vector<Table> tables;
  std::vector<PlannedSource> sources;  // in the order in which they are read
  std::vector<WaitingInput> waiting;
  std::vector<Status> failures;  // of inputs that cannot be read; the others can
  std::vector<LostSource> lost;  // each is told in one run only
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
};

// Finds the inputs, recognises or infers their tables, and decides by content which of them the
// database knows already. Errors: kUsage and kNotFound for what was asked wrongly, kUnsupported for
// a schema that the table in the database does not fit.
Result<RunPlan> MakePlan(const IngestOptions& options, const StopToken& stop,
                         TargetDatabase* target);
// The same for who makes many plans: what the database knows was read, and folders may have been
// looked at. `knowledge` has afterwards what the plan decided.
Result<RunPlan> MakePlan(const IngestOptions& options, const StopToken& stop,
                         TargetDatabase* target, Knowledge* knowledge, Folders* folders);

}  // namespace sluice
