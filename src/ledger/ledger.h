// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/line.h"
#include "offset/offset.h"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// A row of _sluice_sources: a source, as one table knows it.
struct SourceRow {
  KnownSource source;
  std::string table;
  LineCounts counts;       // of all runs together, but `unfinished`, which is of the last one
  std::string updated_at;  // UTC, RFC 3339 with milliseconds
};

// A row of _sluice_rejects.
struct RejectRow {
  int64_t id = 0;
  int64_t source_id = 0;
  std::string source_path;
  std::string table;
  uint64_t line_number = 0;
  uint64_t byte_offset = 0;
  std::string reason;
  std::string line;  // its bytes; the first 1 MiB where `length` says more
  uint64_t length = 0;
  std::string rejected_at;
};

// A row of _sluice_waiting: an input of which nothing was read yet, because its lines do not say
// where they belong.
struct WaitingRow {
  std::string path;
  std::string awaits;  // what it has to get: "its first whole record"
  std::string since;   // when that was first found
};

// Which rejects are meant. Rows come in the order of their ids.
struct RejectFilter {
  std::string source_path = "";  // "" is all
  std::string table = "";        // "" is all
  int64_t after_id = 0;          // to go on after a page
  uint64_t limit = 1000;
};

// A row of _sluice_runs.
struct RunRow {
  int64_t id = 0;
  std::string started_at;
  std::string ended_at;  // "" while it runs, or when it died
  std::string outcome;   // "running", "done", "failed: …", "stopped"
  std::string path;      // "pages", "sqlite", "live"
  std::string command;   // the options that matter, as text
  LineCounts counts;
  uint64_t bytes_read = 0;
  uint64_t bytes_decoded = 0;
  uint64_t bytes_written = 0;
};

// A row of _sluice_events (--events batch).
struct EventRow {
  int64_t run_id = 0;
  std::string at;
  std::string event;  // "source_started", "batch_committed", "source_ended", ...
  std::string source_path;
  uint64_t offset = 0;
  uint64_t rows = 0;
  uint64_t rejects = 0;
};

// A row of _sluice_gaps: what stood behind the offset of a source was gone before it could be read.
struct GapRow {
  int64_t id = 0;
  int64_t source_id = 0;  // 0 where nothing of it was ever read
  std::string path;       // that it had then
  uint64_t byte_offset = 0;
  uint64_t bytes = 0;  // that were known to be there; 0: nobody can know whether there were any
  std::string found_at;
};

// All rows of _sluice_gaps together.
struct GapCounts {
  uint64_t gaps = 0;  // with bytes that were known to be there
  uint64_t gap_bytes = 0;
  uint64_t possible_gaps = 0;
};

// What Ledger::ForgetTable removed.
struct ForgottenTable {
  uint64_t sources = 0;
  uint64_t rejects = 0;
};

// The `_sluice_*` tables of a database: the only place with their SQL. docs/tables.md tells of each
// column.
//
// It writes within the transaction of its caller, and opens none: so offsets and rejects become
// durable with the rows (I1). Statements are prepared when first used, and kept: Advance() is one
// UPDATE by rowid. Lifetime: the connection outlives it, and does not move meanwhile. Threads: the
// connection's.
class Ledger {
 public:
  // Version of the tables' layout, written with each schema and run. A database of a newer version
  // is refused.
  static constexpr int kVersion = 1;

  // Whether the database has the tables at all (a read-only look).
  static Result<bool> Exists(Connection& connection);
  // Makes the tables that are missing. Within a transaction of the caller.
  static Result<Ledger> Create(Connection& connection);
  // For readers: kNotFound where the tables are not there.
  static Result<Ledger> Open(Connection& connection);

  Ledger(Ledger&& other) noexcept;
  Ledger& operator=(Ledger&& other) noexcept;
  ~Ledger();

  Connection& connection() { return *connection_; }

  // Sources.
  Result<std::vector<SourceRow>> Sources();
  // Each in turn, by id: there may be more of them than should be in memory at once. It ends at the
  // first failure of `visit`, which must not write to the database.
  Status EachSource(const std::function<Status(SourceRow)>& visit);
  Result<SourceRow> SourceOf(int64_t id);
  Result<uint64_t> CountSources();
  Result<std::vector<KnownSource>> SourcesOf(std::string_view table);
  Result<int64_t> AddSource(const SourceKey& key, std::string_view table);
  // Sets offset, hashes and key, and adds `added` to the counts. An unfinished line is read again
  // by the next run, so `unfinished` and its share of `lines` are replaced, not added.
  Status Advance(int64_t source_id, const SourceKey& key, const Offset& offset,
                 const LineCounts& added, std::string_view now);

  // Schemas: the resolved table as TOML (schema room's ToToml).
  Result<std::optional<std::string>> SchemaOf(std::string_view table);
  Result<std::vector<std::string>> Tables();
  Status PutSchema(std::string_view table, std::string_view toml, std::string_view now);
  // Its schema, its sources, and their rejects and gaps: for a table that is gone.
  Result<ForgottenTable> ForgetTable(std::string_view table);

  // Rejects.
  Status AddReject(int64_t source_id, const Line& line, uint64_t length, std::string_view reason,
                   std::string_view now);
  Result<std::vector<RejectRow>> Rejects(std::string_view source_path_or_empty, uint64_t limit);
  Result<std::vector<RejectRow>> Rejects(const RejectFilter& filter);
  Result<uint64_t> CountRejects();
  Status DeleteReject(int64_t id);
  // A reject that became a row: one reject less and one row more in the counts of its source, so
  // that I9 still holds.
  Status TurnRejectIntoRow(const RejectRow& reject);

  // Gaps. Their table is made at the first one.
  Status AddGap(const GapRow& gap);  // without its id
  Status DeleteGaps(int64_t source_id);
  Result<std::vector<GapRow>> Gaps(uint64_t limit);  // the newest first
  Result<GapCounts> CountGaps();
  Result<bool> HasGap(int64_t source_id);
  Result<std::vector<int64_t>> SourcesWithGaps();  // by id

  // Inputs that wait. Their table is made at the first one.
  Status PutWaiting(const WaitingRow& waiting);  // `since` counts if the path is new
  Status DeleteWaiting(std::string_view path);
  Result<std::vector<WaitingRow>> Waiting();  // by path

  // Runs. The newest kMostRuns are kept: a run a minute for sixteen hours, or a run a day for
  // years.
  static constexpr int64_t kMostRuns = 1'000;
  Result<int64_t> BeginRun(const RunRow& run);
  Status UpdateRun(const RunRow& run);
  Result<std::vector<RunRow>> Runs(uint64_t limit);  // the newest first
  // When the `count`th run from the end began that came to its end without a failure, those of live
  // mode not counted; where there are fewer, when the first began. "" where no run is known.
  Result<std::string> BeginOfRunsDone(uint64_t count);
  Status AddEvent(const EventRow& event);  // makes its table at the first one

 private:
  Status DeleteRunsUpTo(int64_t last_id);
  struct Statements;
  explicit Ledger(Connection* connection);

  Connection* connection_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace sluice
