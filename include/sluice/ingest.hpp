// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sluice/offset.hpp"
#include "sluice/pipe.hpp"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

enum class OnBadLine : uint8_t {
  kKeep,  // into _sluice_rejects
  kSkip,  // counted only
  kFail,  // the run ends with an error at the first one; what was committed stays
};

enum class EventDetail : uint8_t { kOff, kRun, kBatch };

// What `sluice ingest` was asked to do. Every field is an option of the command line (README:
// `sluice ingest --help`), its default the one stated here.
struct IngestOptions {
  std::string database;
  std::vector<std::string> inputs;   // files, directories, "-"
  std::string schema = "auto";       // a preset, "auto", or a path that ends in ".toml"
  std::string table;                 // "" is the schema's own name
  std::vector<std::string> include;  // globs on the path below the directory that was given
  std::vector<std::string> exclude;

  std::vector<std::string> primary_key;  // --pk
  OnConflict on_conflict = OnConflict::kReject;
  bool alter = false;
  bool from_scratch = false;
  bool force = false;
  bool start_at_end = false;
  std::optional<uint64_t> start_offset;  // decoded bytes; one file only

  // Default kKeep. Given in so many words, inputs that are no JSON Lines at all (one document, an
  // event stream) are taken too, and become rejects; otherwise they are an error.
  std::optional<OnBadLine> on_bad_line;
  uint64_t max_line_bytes = uint64_t{64} << 20;

  // Default: the smaller of 512 MiB and a quarter of RAM or cgroup.
  std::optional<uint64_t> memory_bytes;
  // Of SQLite's page cache. Default: half of the memory budget.
  std::optional<uint64_t> cache_bytes;
  uint64_t wal_cap_bytes = uint64_t{64} << 20;
  uint64_t commit_rows = 50'000;                    // a commit after so many rows ...
  uint64_t commit_bytes = uint64_t{64} << 20;       // ... or so many decoded bytes ...
  std::chrono::milliseconds commit_interval{1000};  // ... or so much time, whichever is first
  std::chrono::milliseconds wait{10'000};           // for another writer

  EventDetail events = EventDetail::kRun;
  std::string events_db;  // "" is the database itself
  bool sync_indexes = false;
  bool keep_journal = false;
  enum class Verify { kLight, kQuick, kFull } verify = Verify::kLight;
  std::optional<uint64_t> stop_after_rows;  // rows of this run
  // That parse. 0 is as many as there are processors where they make pages too, else one less, 1 at
  // least.
  unsigned threads = 0;
  uint32_t page_size = 4096;  // of a new database: a power of two from 1024 to 65536
  // A new database is written as pages where its schema allows that; false: through SQLite's API.
  bool write_pages = true;
  std::string vfs;       // a registered SQLite VFS, for tests that inject faults; "" is ours
  bool durable = false;  // synchronous=FULL

  // Where a live run is to follow: directories may be empty as yet, files that are named not be
  // there, and a database of nothing is made for what is to come.
  bool inputs_may_come = false;
  // Where a live run is to follow, which goes on with stdin: then a pipe is read until it rests.
  // Outlives the run; nullptr: stdin is read to its end.
  PipeHandOver* pipe_hand_over = nullptr;
};

struct SourceSummary {
  std::string path;
  std::string table;
  Offset offset;
  LineCounts counts;  // of this run
};

// What a run did: the fields of `sluice ingest --json`.
struct IngestSummary {
  LineCounts counts;
  uint64_t bytes_read = 0;  // as stored, compressed or not
  uint64_t bytes_decoded = 0;
  uint64_t bytes_written = 0;   // where the bytes leave us: SQLite's VFS and base's File
  uint64_t database_bytes = 0;  // size of the database at the end
  double seconds = 0;
  double insert_seconds = 0;  // from the first byte read to the last rows committed
  double index_seconds = 0;   // indexes, full text and statistics after the rows
  uint64_t peak_rss_bytes = 0;
  std::string path;  // "pages" or "sqlite": how the rows were written; later "live"
  std::vector<SourceSummary> sources;

  // What a person should know besides: recognised presets, sources that were unchanged, strings
  // kept out of numeric columns, indexes dropped, who pins the WAL. One line each.
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
  // Sources that could not be read to their end (damaged gzip, an I/O error): what was read before
  // is in, the others are in whole, and the run has failed (exit status 1).
  std::vector<Status> failures;
  bool stopped = false;  // by a signal or --stop-after: what was read whole is committed
};

// A run seen from outside, as values, about ten times a second and once at each change of phase.
struct IngestProgress {
  enum class Phase { kPlanning, kReading, kIndexing, kFinishing };
  Phase phase = Phase::kPlanning;
  uint64_t stored_bytes = 0;        // read so far
  uint64_t stored_bytes_total = 0;  // 0 where it is not known
  uint64_t decoded_bytes = 0;
  uint64_t rows = 0;
  uint64_t rejects = 0;
  double seconds = 0;  // since the run began
  std::string source;  // being read
  std::string doing;   // in kIndexing and kFinishing: "index idx_sse_sid (2 of 7)"
};

using ProgressFunction = std::function<void(const IngestProgress&)>;

// What a dry run would do.
struct IngestPlan {
  struct PlannedSource {
    std::string path;
    std::string table;
    std::string preset;        // recognised preset, or "inferred", or the schema's name
    uint64_t from_offset = 0;  // decoded bytes
    uint64_t stored_size = 0;
    // "new", "grown", "unchanged", "moved from …", "replaced", ... (docs/sources.md)
    std::string decision;
  };
  std::string database;
  bool creates_database = false;
  std::vector<PlannedSource> sources;
  std::vector<std::string> ddl;  // statements that would be run
};

// Both are called on the thread that called RunIngest; either may be empty.
struct IngestHooks {
  ProgressFunction progress;
  // A line for a person, as it happens ("turned app.db to WAL").
  std::function<void(const std::string&)> note;
};

// Runs an ingest to its end. Blocks, and uses threads of its own meanwhile. `stop` may be set from
// a signal handler or another thread: then what is whole is made durable, and the summary says
// `stopped`.
// Errors: what was committed stays; nothing is half there. The status says what, where and what to
// do.
Result<IngestSummary> RunIngest(const IngestOptions& options, const StopToken& stop = StopToken(),
                                const IngestHooks& hooks = {});

Result<IngestPlan> PlanIngest(const IngestOptions& options);

struct RetryOptions {
  std::string database;
  std::string table;                       // "" is every table
  std::chrono::milliseconds wait{10'000};  // for another writer
};

struct RetrySummary {
  uint64_t tried = 0;
  uint64_t rows = 0;     // rejects that are rows now, and no rejects any more
  uint64_t cut_off = 0;  // of these only the first 1 MiB was kept: they cannot be tried
};

// Tries the rejected lines again, by the schema that their table has now: all in one transaction
// (I1). A line that is refused again stays a reject. A row of a retried line has the line number
// and byte offset that the line had, and a new rowid.
Result<RetrySummary> RetryRejects(const RetryOptions& options);

}  // namespace sluice
