// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "extract/extractor.h"
#include "follow/followed_files.h"
#include "ingest/knowledge.h"
#include "ingest/parcel.h"
#include "ingest/plan.h"
#include "ledger/ledger.h"
#include "sink/sqlite_sink.h"
#include "sink/target_database.h"
#include "sluice/live.hpp"

namespace sluice {

// How the resident memory of a live run is shared. The program itself, with its libraries, takes
// some 6 MiB; the rest is for pages and for lines.
struct LiveMemory {
  uint64_t cache_bytes;  // at most: ten thousand sources leave SQLite less
  size_t buffer_bytes;   // of one read; cells and records take about as much again
  uint64_t line_bytes;   // the longest line that fits the budget: text, record and pages of it

  static LiveMemory Share(const LiveOptions& options);
};

// The database of a live run while it is open: its tables, and what turns lines into their rows.
//
// It is opened anew when a table is added, and after a failure that can be waited for. Threads:
// one.
class LiveDatabase {
 public:
  // For another writer, where it can be tried again: others get their turn meanwhile.
  static constexpr std::chrono::milliseconds kBusyWait{200};

  // `wait`: for another writer, until it is open. `first_tables`: those of the opening before,
  // which keep their indexes. `extra_tables`: beside those that this run's schema has in the
  // database already, or with more columns than one of these.
  static Result<std::unique_ptr<LiveDatabase>> Open(const LiveOptions& options,
                                                    const LiveMemory& memory, const LockWait& wait,
                                                    const std::string& started_at,
                                                    const std::vector<std::string>& first_tables,
                                                    std::vector<Table> extra_tables);

  const std::string& path() const { return target_->path(); }
  // Of SQLite's cache.
  uint64_t cache_bytes() const { return cache_bytes_; }
  // kNotFound where the file is gone, kCorruption where another has its name: what is committed
  // from then on would be nobody's.
  Status CheckIsStillThere() const;

  // The sources of these tables, as far as they are committed; as Ledger::EachSource.
  Status EachSource(const std::function<Status(SourceRow)>& visit);
  // Whether a gap is recorded behind the offset of this source.
  Result<bool> IsKnownAsLost(int64_t source_id);
  // As of RotatedSearchBegins; the beginning of this run where no journal tells.
  int64_t search_begins_ns() const { return search_begins_ns_; }
  // What a new name is, decided as in any run.
  Result<RunPlan> Plan(const std::string& path, const StopToken& stop, Folders* folders);

  // Which sources are known by this path, and the file's identity if it still is one of them.
  struct AtPath {
    std::string table;  // "" if none is known
    std::optional<Identity> identity;
    KnownSource latest;
  };
  Result<AtPath> LookAtPath(const std::string& path, Folders* folders);
  // This file of the source was seen to be emptied.
  void NoteEmptied(int64_t source_id, const SourceKey& file);
  // A commit has made the file's offset durable, which was `before`. `is_new`: it has a row
  // since.
  void NoteCommitted(const FollowedFile& file, const Offset& before, bool is_new);
  // The index of the table of this name; nullopt where it has to be added by opening anew.
  std::optional<uint32_t> TableNamed(std::string_view name) const;
  // Whether this table is open with all its columns. An older sluice, and a run that was told to
  // keep bad lines, may have made it before there was a record to infer them from.
  bool Fits(const Table& table) const;
  const Table& table(uint32_t index) const { return *tables_[index]; }
  std::vector<std::string> TableNames() const;

  // Makes rows of a part of the parcel's chunk, and hands them to the sink, in its open
  // transaction. If a bad line is to end the run, only of the lines before the first one:
  // `bad_line` is then what the run is to fail with, when these are committed.
  Status Write(Parcel* parcel, const ChunkPart& part, const FollowedFile& file, Status* bad_line);
  // As Sink::CommitsEachLine.
  Result<bool> CommitsEachLine(const FollowedFile& file) {
    return sink_->CommitsEachLine(SlotOf(file));
  }
  // kBusy: somebody else writes; nothing was done.
  Status Begin() { return sink_->BeginTransaction(); }
  // The sink's index of this file: a new one at the first call.
  uint32_t SlotOf(const FollowedFile& file);
  void Forget(const FollowedFile& file);
  void Moved(const FollowedFile& file);

  SqliteSink& sink() { return *sink_; }

 private:
  LiveDatabase(const LiveOptions& options, const LockWait& wait, const std::string& started_at)
      : options_(options), wait_(wait), started_at_(started_at) {}
  Status OpenTarget();
  Status ReadSearchBegin();
  Status CollectTables(const std::vector<std::string>& first_tables,
                       std::vector<Table> extra_tables);
  Status AddStoredTable(const std::string& name);
  Status ShareCache(const LiveMemory& memory);
  Status OpenSink(const LiveMemory& memory);
  Result<bool> IsWanted(const Table& table) const;
  void AddTable(Table table);
  Status AddNewColumns(Parcel* parcel, uint32_t table);
  void Parse(Parcel* parcel, const ChunkPart& part, const FollowedFile& file);
  Status WriteBatch(Parcel* parcel);
  Status StopBeforeBadLine(Parcel* parcel, const ChunkPart& part, const FollowedFile& file);

  const LiveOptions& options_;
  const LockWait wait_;
  const std::string& started_at_;
  uint64_t cache_bytes_ = 0;
  std::unique_ptr<TargetDatabase> target_;
  FileInfo opened_;  // the file as it was opened
  int64_t search_begins_ns_ = 0;
  Knowledge knowledge_;
  std::deque<Table> versions_;  // addresses are stable
  std::vector<const Table*> tables_;
  std::vector<std::unique_ptr<Extractor>> extractors_;  // by table
  std::unique_ptr<SqliteSink> sink_;                    // goes before what it uses
  std::unordered_map<const FollowedFile*, uint32_t> slots_;
};

}  // namespace sluice
