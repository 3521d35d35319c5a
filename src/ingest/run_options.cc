// SPDX-License-Identifier: Apache-2.0
#include "ingest/run_options.h"

#include <algorithm>

namespace sluice {
namespace {

RejectPolicy PolicyOf(OnBadLine on_bad_line) {
  switch (on_bad_line) {
    case OnBadLine::kKeep:
      break;
    case OnBadLine::kSkip:
      return RejectPolicy::kCount;
    case OnBadLine::kFail:
      return RejectPolicy::kFail;
  }
  return RejectPolicy::kKeep;
}

}  // namespace

Bookkeeping::Options BookkeepingOptions(const IngestOptions& options, std::string_view path,
                                        const std::string& started_at, const StopToken* stop) {
  Bookkeeping::Options bookkeeping;
  bookkeeping.rejects = PolicyOf(options.on_bad_line.value_or(OnBadLine::kKeep));
  bookkeeping.run_journal = options.events != EventDetail::kOff;
  bookkeeping.batch_events = options.events == EventDetail::kBatch;
  bookkeeping.adds_columns = options.alter;
  bookkeeping.events_db = options.events_db;
  bookkeeping.wait = {.longest = options.wait, .stop = stop};
  bookkeeping.run.started_at = started_at;
  bookkeeping.run.outcome = "running";
  bookkeeping.run.path = path;
  bookkeeping.run.command = "schema=" + options.schema;
  for (const std::string& input : options.inputs) bookkeeping.run.command += " " + input;
  return bookkeeping;
}

std::vector<WaitingRow> WaitingRows(const std::vector<WaitingInput>& waiting) {
  std::vector<WaitingRow> rows;
  for (const WaitingInput& input : waiting) {
    if (input.is_over) continue;
    rows.push_back({.path = input.path, .awaits = input.awaits, .since = ""});
  }
  return rows;
}

size_t ChunkBytes(uint64_t commit_rows, uint64_t commit_bytes) {
  constexpr uint64_t kRow = 400;  // of a log, in bytes
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  const uint64_t commit = std::min(commit_bytes, commit_rows * kRow);
  return static_cast<size_t>(std::clamp<uint64_t>(commit / 4, kMiB / 16, kMiB));
}

}  // namespace sluice
