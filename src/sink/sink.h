// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/row_batch.h"
#include "offset/offset.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// A source of a run, as a sink needs to know it. Batches name it by its index.
struct SinkSource {
  SourceKey key;
  uint32_t table = 0;    // index of its table
  int64_t known_id = 0;  // its row in _sluice_sources, 0 where it has none yet
};

// How far one source of this run is, to be made durable with the rows before it (I1).
struct SourceProgress {
  uint32_t source = 0;
  Offset offset;
  LineCounts added;  // since the last commit
  // Set: what stood behind the offset is gone for good. So many bytes of it were known to be there;
  // 0 where nobody can know whether there were any.
  std::optional<uint64_t> gap_bytes;
  // It was found under another name: what was taken for a gap before was none.
  bool is_found = false;
};

// What a run did, as its row in _sluice_runs tells it.
struct RunTotals {
  LineCounts counts;
  uint64_t bytes_read = 0;
  uint64_t bytes_decoded = 0;
  uint64_t bytes_written = 0;
  std::string outcome;  // "done", "stopped", "failed: …"
};

// A step of Finish, in words: "index idx_sse_sid (2 of 7)".
using StepFunction = std::function<void(const std::string& step)>;

// Where batches go.
//
// Legal order of calls:
//   { { Screen → Encode → Write | AddColumns }* → Commit → AfterCommit }* → Finish | Abandon
// Threads: Screen and Encode from any thread, for different batches at once. All others from one
// thread, the writer's, in the order of the input (I2). Errors: after a failed Write, Commit or
// AfterCommit only Abandon may follow (I8).
class Sink {
 public:
  virtual ~Sink() = default;

  // Rows that the table is known to refuse become rejects of the batch, before it gets its rowids.
  virtual void Screen(RowBatch* batch) = 0;

  // Turns cells into what the sink stores, once the batch has its rowids. `thread` is the calling
  // thread's index; each thread gives its batches in ascending order.
  virtual Status Encode(RowBatch* batch, unsigned thread) = 0;

  // Whether a row of this source may roll back the whole transaction: a trigger or a constraint of
  // its table says so. Then nothing but one line may be between two commits, so that no other row
  // is lost. The answer holds until the next Commit.
  virtual Result<bool> CommitsEachLine(uint32_t /*source*/) { return false; }

  // Takes the rows and rejects of a batch. Rows that the table refuses become rejects of the batch;
  // what was ignored and replaced is counted in it. Under RejectPolicy::kFail it stops at the first
  // of these: the rows before it are taken, those after it are not. When it returns, the batch may
  // be cleared (I4).
  virtual Status Write(RowBatch* batch) = 0;

  // Names of all columns of the table with this index, if others than us may have added some.
  virtual Result<std::vector<std::string>> ColumnsOf(uint32_t /*table_index*/) {
    return std::vector<std::string>{};
  }

  // From the next batch on, the table with this index has these columns: those it had, and more
  // behind them. Lifetime: `table` outlives the sink.
  virtual Status AddColumns(uint32_t table_index, const Table& table) = 0;

  // Makes all that was written durable, together with `progress`. With nothing written since the
  // last one, and no progress, it does nothing.
  virtual Status Commit(std::span<const SourceProgress> progress) = 0;

  // The upkeep that follows a commit: checkpoints. Where it fails, what was committed stays so: to
  // read its lines again would double them.
  virtual Status AfterCommit() { return {}; }

  // After the last Commit: indexes, views, full text, statistics; a new database is published.
  virtual Status Finish(const RunTotals& totals, const StepFunction& step) = 0;

  // On every other way out: what was committed stays, a database that was being made anew goes. A
  // database that stays and may still be written is told why the run failed.
  virtual void Abandon(const Status& why) = 0;

  // What a person should know: indexes dropped, who pins the WAL. After Finish.
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 protected:
  std::vector<std::string> notes_;
  std::vector<std::string> warnings_;
};

}  // namespace sluice
