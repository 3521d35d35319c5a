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

// How inputs are followed after RunIngest has taken what was there.
struct LiveOptions {
  // The options of that RunIngest. These have no effect here: from_scratch, force, start_at_end,
  // start_offset, stop_after_rows, threads, memory_bytes, commit_*.
  IngestOptions ingest;

  // Stdin, if RunIngest left a pipe at rest (IngestOptions::pipe_hand_over). Its rows continue
  // those of the newest source "-".
  std::optional<PipeHandOver> pipe;

  bool poll = false;  // look at the files at intervals instead of asking inotify
  // Resident memory of the whole process, at least kLeastRssBudget. Cache (at most 256 MiB) and
  // buffers are sized from it. Above it RunLive ends with LiveEnd::kOverBudget, though not before a
  // minute has passed, so an application sets it to its own largest size plus 16 MiB or more.
  uint64_t rss_budget_bytes = uint64_t{16} << 20;
  // A line too large for the budget becomes a reject. false: it is taken, and a warning says so.
  bool strict_rss = false;

  uint64_t commit_rows = 5'000;               // a commit after so many rows ...
  uint64_t commit_bytes = uint64_t{4} << 20;  // ... or so many bytes ...
  // ... or this long after the first row, whichever comes first.
  std::chrono::milliseconds commit_interval{50};
};

// The smallest budget: the sluice program itself takes most of it.
inline constexpr uint64_t kLeastRssBudget = uint64_t{10} << 20;

// A source that is being followed.
struct LiveSource {
  std::string path;
  std::string table;
  uint64_t offset = 0;     // committed, decoded bytes
  uint64_t lag_bytes = 0;  // known to be there and not committed
  double lag_seconds = 0;  // since when
  std::string state;       // "following", "unnamed" (its name is gone), "unreadable"
};

// The state of a live run.
struct LiveStatus {
  LineCounts counts;  // of this run
  uint64_t commits = 0;
  double rows_per_second = 0;  // over the last second
  double seconds = 0;          // since the run began
  uint64_t rss_bytes = 0;
  uint64_t rss_budget_bytes = 0;
  uint64_t wal_bytes = 0;
  // Lines that were gone before they could be read: how often, how many bytes of them were known,
  // and how often nobody can know whether there were any.
  uint64_t gaps = 0;
  uint64_t gap_bytes = 0;
  uint64_t possible_gaps = 0;
  // Keys that no column takes, and the lines that have one: of all tables of this run.
  uint64_t extra_keys = 0;
  uint64_t lines_with_extra_keys = 0;
  std::string waits_for;  // why nothing can be committed at the moment; "" if nothing prevents it
  uint64_t files = 0;     // being followed
  uint64_t waiting_files = 0;  // unread until their first record
  uint64_t open_files = 0;
  uint64_t watched_directories = 0;
  uint64_t polled_directories = 0;
  // Known to be there and not committed, in all files together, and since when at the longest.
  uint64_t lag_bytes = 0;
  double lag_seconds = 0;
  std::vector<LiveSource> sources;  // at most 1,000: those that grew last
};

// All are called on the thread that called RunLive; each may be empty. No line is read while one
// runs. None may throw.
struct LiveHooks {
  // About once a second, and when the run ends. With thousands of files it takes some time to
  // gather; if the hook is empty nothing is gathered.
  std::function<void(const LiveStatus&)> status;
  // Whether LiveStatus::sources is filled in. It costs time and memory if thousands of files are
  // followed.
  bool describe_sources = true;
  // About once a second, as a sign of life (for a watchdog).
  std::function<void()> alive;
  // Everything is followed: new lines are committed from here on.
  std::function<void()> ready;
  // A line for a person, as it happens: a new file, a rotation.
  std::function<void(const std::string&)> note;
  // The same, of what somebody should look into: a gap, a reader that pins the WAL, a full disk.
  std::function<void(const std::string&)> warning;
  // Whether all directories are to be looked through again now. Asked a few times a second; the
  // program answers true once after a SIGHUP.
  std::function<bool()> take_rescan;
};

enum class LiveEnd : uint8_t {
  kStopped,    // by the stop token
  kPipeEnded,  // and nothing else was to be followed
  // Over the budget, and all is committed. The program then replaces its image by exec(), which is
  // small again; an application calls RunLive again, with `pipe` as returned and a larger budget.
  kOverBudget,
};

struct LiveSummary {
  IngestSummary ingest;  // its path is "live"
  LiveEnd end = LiveEnd::kStopped;
  std::optional<PipeHandOver> pipe;  // kOverBudget: what of the pipe is not committed
};

// Follows the inputs until it is stopped: reads what is new and commits the rows together with the
// offsets that they reach. The database must exist: RunIngest with the same options and
// `inputs_may_come` makes it and takes what is there already.
//
// Threads: all work is done on the caller's thread, and the hooks are called there; a second thread
// only syncs files. For a service inside an application, call it on a thread of its own and stop it
// by `stop`, from any thread or a signal handler. It returns within a second of that, with every
// whole line that it read committed. It is the one writer of sluice for its database, as RunIngest
// is; several may run at once on different databases.
//
// The process: as RunIngest. It never forks or calls exec, and it holds descriptors of the followed
// files, of inotify and of the database, all close-on-exec.
//
// Errors: kNotFound without a database. A full disk and a database that somebody else writes to are
// not errors: they are waited for, and `warning` and `waits_for` say so. A database that was
// deleted, replaced or damaged ends the run.
Result<LiveSummary> RunLive(const LiveOptions& options, const StopToken& stop,
                            const LiveHooks& hooks);

}  // namespace sluice
