// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ingest/extra_key_counts.h"
#include "ingest/meter.h"
#include "ingest/pipeline.h"
#include "ingest/plan.h"
#include "sink/sink.h"
#include "sluice/ingest.hpp"

namespace sluice {

// Takes parcels in order, writes their batches to the sink, and decides when to commit (I1).
//
// Threads: one, which owns the sink (I3).
class Writer {
 public:
  // Lifetime: all of them outlive the writer.
  Writer(const IngestOptions& options, const RunPlan& plan, LiveTables* tables, Pipeline* pipeline,
         Sink* sink, Meter* meter);

  // Until the pipeline has ended, --stop-after is reached, or an error. When it returns ok, all
  // that was written is committed.
  Status WriteAll();

  // What was committed: counts, offsets, bytes, failures.
  IngestSummary Summary() const;

 private:
  // One source, as far as it is written.
  struct State {
    Offset offset;
    LineCounts counts;       // of this run
    LineCounts uncommitted;  // since the last commit
    bool touched = false;    // since the last commit
    uint64_t stored_bytes = 0;
  };

  Status Take(std::unique_ptr<Parcel> parcel);
  Status TakeBatches(Parcel* parcel);
  Status AddNewColumns(Parcel* parcel);
  Status TakeLineByLine(Parcel* parcel);
  Status WriteBatch(Parcel* parcel, const ChunkPart& part);
  std::optional<BadLine> FirstBadLineOf(const Parcel& parcel, const ChunkPart& part) const;
  Result<std::optional<BadLine>> WriteUpToRefusal(Parcel* parcel, const ChunkPart& part);
  Status HandToSink(Parcel* parcel);
  void Account(const Parcel& parcel);

  bool CommitDue() const;
  Status Commit();
  void TellGaps(std::vector<SourceProgress>* progress) const;
  std::chrono::steady_clock::time_point NextDeadline() const;
  uint64_t RowsLeft() const;
  Status CheckBalance() const;
  std::string NoRowsWarning() const;

  const IngestOptions& options_;
  const RunPlan& plan_;
  LiveTables* tables_;
  Pipeline* pipeline_;
  Sink* sink_;
  Meter* meter_;

  std::vector<State> states_;  // by source
  LineCounts counts_;          // of all sources
  uint64_t stored_bytes_ = 0;
  uint64_t decoded_bytes_ = 0;
  uint64_t strings_kept_out_ = 0;
  ExtraKeyCounts extra_keys_;
  std::vector<Status> failures_;
  bool gaps_are_told_ = false;  // those that the plan found are committed

  // Since the last commit.
  Stopwatch since_commit_;
  uint64_t uncommitted_rows_ = 0;
  uint64_t uncommitted_bytes_ = 0;
  // Parcels of sources that cannot be read again: held until the commit (I4).
  std::vector<std::unique_ptr<Parcel>> held_;
};

}  // namespace sluice
