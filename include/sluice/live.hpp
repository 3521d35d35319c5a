// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sluice/ingest.hpp"
#include "sluice/offset.hpp"
#include "sluice/pipe.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// How inputs are followed once what was there has been ingested (docs/live-mode.md).
struct LiveOptions {
  // As for the historical part. What is for the beginning alone has no effect any more:
  // from_scratch, force, start_at_end, start_offset, stop_after_rows, threads, memory_bytes,
  // commit_*.
  IngestOptions ingest;

  // Stdin, where the historical part left it. Its rows follow those of the newest source "-".
  std::optional<PipeHandOver> pipe;

  bool poll = false;  // look at everything every so often, instead of inotify
  // Resident memory of the process. Cache and buffers are sized from it.
  uint64_t rss_budget_bytes = uint64_t{16} << 20;
  // A line too large for the budget is a reject, instead of an overrun that is said.
  bool strict_rss = false;

  uint64_t commit_rows = 5'000;               // a commit after so many rows ...
  uint64_t commit_bytes = uint64_t{4} << 20;  // ... or so many bytes ...
  std::chrono::milliseconds commit_interval{
      50};  // ... or so long after the first, the first of them
};

// The smallest --rss-budget: the program itself takes most of it.
inline constexpr uint64_t kLeastRssBudget = uint64_t{10} << 20;

// A source as it is followed at the moment.
struct LiveSource {
  std::string path;
  std::string table;
  uint64_t offset = 0;     // committed, decoded bytes
  uint64_t lag_bytes = 0;  // known to be there and not committed
  double lag_seconds = 0;  // since when
  std::string state;       // "following", "unnamed" (its name is gone), "unreadable"
};

// How a live run is, as values; what the status file says.
struct LiveStatus {
  LineCounts counts;  // of this run
  uint64_t commits = 0;
  double rows_per_second = 0;  // over the last second
  double seconds = 0;          // since the run began
  uint64_t rss_bytes = 0;
  uint64_t rss_budget_bytes = 0;
  uint64_t wal_bytes = 0;
  // Lines gone for good: how often, how many bytes were known to be there, and how often nobody can
  // know whether there were any.
  uint64_t gaps = 0;
  uint64_t gap_bytes = 0;
  uint64_t possible_gaps = 0;
  std::string waits_for;  // why nothing is committed at the moment: "" when nothing keeps us
  uint64_t files = 0;     // that are followed
  uint64_t open_files = 0;
  uint64_t watched_directories = 0;
  uint64_t polled_directories = 0;
  std::vector<LiveSource> sources;  // at most 1,000: those that grew last
};

struct LiveHooks {
  // About once a second, and when the run ends. It costs some time where thousands of files are
  // followed: left empty, nothing is gathered.
  std::function<void(const LiveStatus&)> status;
  // About once a second: the loop goes round.
  std::function<void()> alive;
  // Everything is followed: new lines are committed from here on.
  std::function<void()> ready;
  // A line for a person, as it happens: a new file, a rotation.
  std::function<void(const std::string&)> note;
  // The same, of what somebody should look into: a gap, a reader that pins the WAL, a full disk.
  std::function<void(const std::string&)> warning;
  // Whether everything is to be looked at again (SIGHUP). Asked a few times a second.
  std::function<bool()> take_rescan;
};

enum class LiveEnd : uint8_t {
  kStopped,     // by the stop token
  kPipeEnded,   // and nothing else was to be followed
  kOverBudget,  // all is committed; a fresh image of the process would be within its budget again
};

struct LiveSummary {
  IngestSummary ingest;  // its path is "live"
  LiveEnd end = LiveEnd::kStopped;
  std::optional<PipeHandOver> pipe;  // kOverBudget: what of the pipe is not committed yet
};

// Follows the inputs until it is stopped: reads what is new, and commits rows with their offsets
// (I1). One thread, the caller's. Returns within a second of the stop, with everything whole
// committed.
// Errors: a full disk and a database that somebody else writes to are waited for, and said. A
// database that was deleted or replaced, or is damaged, ends the run.
Result<LiveSummary> RunLive(const LiveOptions& options, const StopToken& stop,
                            const LiveHooks& hooks);

}  // namespace sluice
