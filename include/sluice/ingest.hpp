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
  kFail,  // the run ends with an error at the first one; what was committed stays in
};

// How finely the run journal, the tables _sluice_runs and _sluice_events, tells what happened.
enum class EventDetail : uint8_t {
  kOff,
  kRun,    // one row per run
  kBatch,  // one more per commit
};

// The options of a run. Only `database` and `inputs` must be set. Most fields are also options of
// the program, which describes them at more length (`sluice help ingest`). Sizes are bytes.
//
// A value: RunIngest keeps no reference to it.
struct IngestOptions {
  // The path of a SQLite database. It is created if it does not exist: then it appears under its
  // name only once it is complete. An existing one is continued.
  std::string database;
  // Files, directories (walked for *.jsonl, *.ndjson and their .gz and .zst), and "-" for stdin.
  std::vector<std::string> inputs;
  std::string schema = "auto";       // a preset, "auto", or a path that ends in ".toml"
  std::string table;                 // "" is the schema's own name
  std::vector<std::string> include;  // globs on the path below the directory that was given
  std::vector<std::string> exclude;

  std::vector<std::string> primary_key;  // names of columns; only when the table is made
  OnConflict on_conflict = OnConflict::kReject;
  // A key that has no column adds one (schema "auto" only). Otherwise its value goes to the column
  // _extra, a JSON object.
  bool alter = false;
  bool from_scratch = false;  // replace the database as a whole, if sluice made it
  bool force = false;         // with from_scratch: whoever made it
  bool start_at_end = false;  // take no line that is there now; for inputs not seen before
  std::optional<uint64_t> start_offset;  // the same up to here, in decoded bytes; one file only

  // Default: kKeep. If it is set, even to kKeep, inputs that are no JSON Lines at all (one
  // document, an event stream) are taken too and become rejects; otherwise they are an error.
  std::optional<OnBadLine> on_bad_line;
  uint64_t max_line_bytes = uint64_t{64} << 20;  // a longer line is a reject

  // Memory that one run may allocate. Default: the smaller of 512 MiB and a quarter of the RAM or
  // of the cgroup's limit. Two runs at once take two budgets.
  std::optional<uint64_t> memory_bytes;
  // SQLite's page cache. Default: half of the memory budget.
  std::optional<uint64_t> cache_bytes;
  // Size of the WAL at which the run checkpoints (existing databases).
  uint64_t wal_cap_bytes = uint64_t{64} << 20;
  uint64_t commit_rows = 50'000;                    // a commit after so many rows ...
  uint64_t commit_bytes = uint64_t{64} << 20;       // ... or so many decoded bytes ...
  std::chrono::milliseconds commit_interval{1000};  // ... or so much time, whichever is first
  std::chrono::milliseconds wait{10'000};           // for another writer; then the error is kBusy

  EventDetail events = EventDetail::kRun;
  std::string events_db;      // a database of its own for the run journal; "": `database`
  bool sync_indexes = false;  // drop indexes under the schema's prefix that it does not list
  bool keep_journal = false;  // do not switch an existing database to WAL
  // The check of a new database before it appears: of its structure and of up to 64 rows in every
  // index; PRAGMA quick_check; PRAGMA integrity_check.
  enum class Verify { kLight, kQuick, kFull } verify = Verify::kLight;
  std::optional<uint64_t> stop_after_rows;  // rows of this run
  // Parser threads. 0: one per CPU when pages are written, otherwise one fewer (at least 2).
  unsigned threads = 0;
  uint32_t page_size = 4096;  // of a new database: a power of two from 1024 to 65536
  // If the schema allows it, a new database is written directly as pages, several times faster.
  // false: always through SQLite's API.
  bool write_pages = true;
  // Each commit to an existing database survives a power cut (synchronous=FULL). Otherwise a power
  // cut may take the last commits, rows and offsets together, and the next run reads those lines
  // again; what a run committed is durable in any case when RunIngest returns.
  bool durable = false;

  // "auto": a file whose records name an agent, but do not decide that it is a session of that
  // agent, is left unread until it has not changed for so long, or a record decides.
  std::chrono::milliseconds undecided_for{60'000};

  // Set it if RunLive is called next: empty directories and missing files are then no errors, and
  // an empty database is made if there is nothing yet.
  bool inputs_may_come = false;
  // Set it if "-" is an input and RunLive is called next: a pipe on stdin is then read until it
  // rests, not to its end, and what RunLive needs to go on is left here. Outlives the call.
  PipeHandOver* pipe_hand_over = nullptr;
};

// An input of which nothing is read yet.
struct WaitingInput {
  std::string path;
  uint64_t stored_size = 0;
  std::string awaits;    // "its first whole record"
  bool is_over = false;  // a stream that has ended: nothing more will come of it
};

struct SourceSummary {
  std::string path;
  std::string table;
  Offset offset;
  LineCounts counts;  // of this run
};

// Keys of a table's lines that no column takes. Their values are in the table's @extra column.
struct ExtraKeys {
  std::string table;
  std::string column;                   // the table's @extra column
  bool table_is_inferred = false;       // its columns were inferred, so that `alter` adds more
  uint64_t keys = 0;                    // different ones; counted up to kMostCounted
  uint64_t lines = 0;                   // lines of this run that have such a key
  std::vector<std::string> first_keys;  // at most kMostNamed; long ones are cut

  static constexpr uint64_t kMostCounted = 2'000;
  static constexpr size_t kMostNamed = 3;
};

// The result of a run.
struct IngestSummary {
  LineCounts counts;
  uint64_t bytes_read = 0;  // as stored, compressed or not
  uint64_t bytes_decoded = 0;
  // Counted where bytes leave the process, databases, WAL and temporary files together. The counter
  // is one for the process: what runs at the same time counts too.
  uint64_t bytes_written = 0;
  uint64_t database_bytes = 0;  // size of the database at the end
  double seconds = 0;
  double insert_seconds = 0;    // from the first byte read to the last rows committed
  double index_seconds = 0;     // indexes, full text and statistics after the rows
  uint64_t peak_rss_bytes = 0;  // of the process, since it began
  // How the rows were written: "pages", "sqlite", or by RunLive "live". "none": no database was
  // made, as all inputs are `waiting`.
  std::string path;
  std::vector<SourceSummary> sources;
  std::vector<ExtraKeys> extra_keys;  // of each table whose lines had such keys
  // `auto` cannot say yet where their lines belong. Nothing is lost: the next run looks again.
  std::vector<WaitingInput> waiting;

  // What a person should know besides: recognised presets, sources that were unchanged, strings
  // kept out of numeric columns, indexes dropped, who pins the WAL. One line each.
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
  // Sources that could not be read to their end (damaged gzip, an I/O error), or not at all because
  // they are no JSON Lines: what was read before is in, and the other sources are in whole. A
  // caller should treat the run as failed.
  std::vector<Status> failures;
  bool stopped = false;  // by the token or stop_after_rows: what was read whole is committed
};

// A run seen from outside, as values, about ten times a second and once at each change of phase.
struct IngestProgress {
  enum class Phase { kPlanning, kReading, kIndexing, kFinishing };
  Phase phase = Phase::kPlanning;
  uint64_t stored_bytes = 0;        // read so far
  uint64_t stored_bytes_total = 0;  // 0 if it is not known
  uint64_t decoded_bytes = 0;
  uint64_t rows = 0;
  uint64_t rejects = 0;
  double seconds = 0;  // since the run began
  std::string source;  // being read
  std::string doing;   // but in kReading: "index idx_sse_sid (2 of 7)"
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
    // "new", "grown", "unchanged", "moved from …", "replaced", ...; for a person
    std::string decision;
  };
  std::string database;
  bool creates_database = false;
  std::vector<PlannedSource> sources;
  std::vector<WaitingInput> waiting;
  std::vector<Status> failures;  // of inputs that are no JSON Lines
  std::vector<std::string> ddl;  // statements that would be run
};

// Both are called on the thread that called RunIngest; either may be empty.
struct IngestHooks {
  ProgressFunction progress;
  // A line for a person, as it happens ("turned app.db to WAL").
  std::function<void(const std::string&)> note;
};

// Runs an ingest to its end and blocks until then. A run reads only what earlier runs over the same
// database have not read, because offsets are committed in the transactions that commit the rows.
//
// Threads: any thread may call it. It starts `options.threads` parser threads, writes and calls the
// hooks on the caller's thread, and has joined all threads when it returns. Several calls may run
// at once on different databases. On one database the second waits up to `options.wait` for the
// first and then fails with kBusy, in one process as between two. Connections of the application to
// the same database may stay open; who writes through one should set a busy timeout.
//
// Stopping: `stop` may be set from another thread or a signal handler. The run then reads no
// further, makes durable what it has read whole, and returns a summary that says `stopped`.
//
// The process: no signal handler is installed or changed, and nothing is forked. The parser threads
// inherit the caller's signal mask. stdin is read only for the input "-"; nothing is printed. Files
// are opened close-on-exec. Do not fork() during a run and go on in the child: SQLite's connections
// do not survive that (fork and exec at once is fine). While it runs, do not open the database file
// by other means than SQLite: to close such a descriptor drops SQLite's locks (POSIX).
//
// Errors: the status says what is wrong, where, and what to do. What was committed stays, and the
// next run goes on from there; a new database that is not complete is not left behind. Bad lines
// and damaged sources are not errors: see `counts.rejects` and `failures`. No exception is thrown
// except by the standard library when memory is out (std::bad_alloc), which on a parser thread ends
// the process; a hook must not throw.
Result<IngestSummary> RunIngest(const IngestOptions& options, const StopToken& stop = StopToken(),
                                const IngestHooks& hooks = {});

// Tells what RunIngest would do now with these options. It reads the beginnings of the inputs,
// opens the database read-only, takes no lock and writes nothing. Threads: any; blocks.
Result<IngestPlan> PlanIngest(const IngestOptions& options);

struct RetryOptions {
  std::string database;
  std::string table;                       // "" is every table
  std::chrono::milliseconds wait{10'000};  // for another writer
};

struct RetrySummary {
  uint64_t tried = 0;
  uint64_t rows = 0;     // rejects that have become rows
  uint64_t cut_off = 0;  // of these only the first 1 MiB was kept: they cannot be tried
};

// Tries the rejected lines again, by the schema that their table has now, all in one transaction. A
// line that is refused again stays a reject. A row of a retried line has the line number and byte
// offset that the line had, and a new rowid.
// Threads: any; blocks. It is a writer of the database, as RunIngest is.
Result<RetrySummary> RetryRejects(const RetryOptions& options);

}  // namespace sluice
