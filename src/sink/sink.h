// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "batch/row_batch.h"
#include "offset/offset.h"

namespace sluice {

// How far one source of this run is, to be made durable with the rows before it (I1).
struct SourceProgress {
  uint32_t source = 0;  // index of the source in this run
  Offset offset;
  LineCounts counts;    // of this run, so far
};

// Where batches go.
//
// Legal order of calls:   { Encode* → Write* → Commit }* → Finish | Abandon
// Threads: Encode from any thread, for different batches at once. All others from one thread, the writer's, in the order
// of the input (I2).
// Errors: after a failed Write or Commit only Abandon may follow (I8).
class Sink {
 public:
  virtual ~Sink() = default;

  // Turns cells into what the sink stores, where that is worth a thread of its own.
  virtual Status Encode(RowBatch* batch) = 0;

  // Takes the rows and rejects of a batch. Rows that the table refuses become rejects of the batch; `ignored` and `replaced`
  // are added to its counts. When it returns, the batch may be cleared (I4).
  virtual Status Write(RowBatch* batch) = 0;

  // Makes all that was written durable, together with `progress`. With no write since the last one it costs nothing.
  virtual Status Commit(std::span<const SourceProgress> progress) = 0;

  // After the last Commit: indexes, views, full text, statistics; publishes a new database.
  virtual Status Finish() = 0;

  // On every other way out: what was committed stays, a database that was being made anew goes.
  virtual void Abandon() = 0;
};

}  // namespace sluice
