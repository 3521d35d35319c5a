// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "follow/followed_files.h"
#include "ingest/extra_key_counts.h"
#include "ingest/live_database.h"
#include "sluice/live.hpp"

namespace sluice {

// What a live run counts, and how it tells of it: once a second as values, at once in words.
class LiveHealth {
 public:
  LiveHealth(const LiveOptions& options, const LiveHooks& hooks);

  void Note(const std::string& line) const;
  void Warn(const std::string& line) const;
  void Ready() const;
  bool RescanAsked() const;

  void Count(const LineCounts& added) { status_.counts += added; }
  // Keys of a batch that no column takes. They count when it is committed.
  void CountExtraKeys(const RowBatch& batch) { extra_keys_.Add(batch); }
  void CountCommit(uint64_t decoded_bytes);
  // The open transaction is gone, with what it counted.
  void CountRollback() { extra_keys_.Discard(); }
  void CountGap(uint64_t bytes);
  void CountPossibleGap() { ++status_.possible_gaps; }
  // Why nothing is committed at the moment; "" when nothing keeps us. Said when it changes.
  void WaitsFor(const std::string& why);
  // For the status; the run returns the error itself.
  void Failed(const Status& why);

  // A line was taken that is too large for the budget: what it took may have stayed.
  void ExpectOverrun() { overrun_expected_ = true; }
  // Whether a fresh image is worth its while: at most once a minute, except after such a line.
  bool IsOverBudget();

  bool IsDue() const { return since_report_.elapsed() >= std::chrono::seconds(1); }
  void Report(const FollowedFiles& files, LiveDatabase* database);
  IngestSummary Summary() const;

 private:
  void SumUpLag(const FollowedFiles& files);
  void DescribeSources(const FollowedFiles& files, LiveDatabase* database);

  const LiveOptions& options_;
  const LiveHooks& hooks_;
  const uint64_t written_before_;
  LiveStatus status_;
  ExtraKeyCounts extra_keys_;
  Stopwatch watch_;
  Stopwatch since_report_;
  uint64_t rows_reported_ = 0;
  uint64_t decoded_bytes_ = 0;
  bool overrun_expected_ = false;
  std::string waits_for_;
};

}  // namespace sluice
