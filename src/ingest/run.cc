// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "extract/inference.h"
#include "follow/directory.h"
#include "ingest/line_cells.h"
#include "ingest/meter.h"
#include "ingest/pipeline.h"
#include "ingest/plan.h"
#include "ingest/run_options.h"
#include "ingest/writer.h"
#include "sink/page_sink.h"
#include "sink/sqlite_sink.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "source/open.h"

namespace sluice {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// How the rows of a run are written, and what each part of that may use.
struct WritePlan {
  bool pages = false;         // else through SQLite's API
  bool encode_ahead = false;  // on the threads that parse
  unsigned parsers = 1;
  uint64_t builder_bytes = 0;  // of memory: for pages in the making and keys
  uint64_t cache_bytes = 0;    // SQLite's
  size_t buffers = 0;          // of chunks
  size_t buffer_bytes = 0;

  std::string_view path() const { return pages ? "pages" : "sqlite"; }
};

uint64_t MemoryBudget(const IngestOptions& options) {
  return options.memory_bytes.value_or(std::min(512 * kMiB, MemoryLimit() / 4));
}

// Half of the budget is SQLite's page cache, a quarter the buffers of chunks with their rows, and
// the rest is room for what a long line needs, and for the program itself.
WritePlan ThroughSqlite(const IngestOptions& options) {
  const uint64_t budget = MemoryBudget(options);
  WritePlan plan;
  // The writer has a processor of its own; of two parsers one can read while the other parses.
  plan.parsers = std::max(2u, std::thread::hardware_concurrency() - 1);
  if (options.threads > 0) plan.parsers = options.threads;
  plan.cache_bytes = options.cache_bytes.value_or(budget / 2);
  plan.buffer_bytes = ChunkBytes(options.commit_rows, options.commit_bytes);
  // Cells and lines take about as much again as the text they are views of.
  plan.buffers =
      static_cast<size_t>(std::clamp<uint64_t>(budget / 4 / (2 * plan.buffer_bytes), 4, 32));
  return plan;
}

// Half of the budget is the builder's; three eighths are for chunks, their cells, and the pages
// made of them, each about as large; the rest as above. SQLite gets the builder's half after it.
WritePlan AsPages(const IngestOptions& options) {
  constexpr uint64_t kCopies = 3;  // of a chunk: as text, as cells, as pages
  const uint64_t budget = MemoryBudget(options);
  WritePlan plan;
  plan.pages = true;
  plan.parsers =
      std::max(1u, std::thread::hardware_concurrency());  // the writer waits for the disk
  if (options.threads > 0) plan.parsers = options.threads;
  // What a batch holds is decided by the writer: where the run is to end in it, or its table gets
  // columns from it.
  plan.encode_ahead = !options.stop_after_rows && !options.alter &&
                      options.on_bad_line.value_or(OnBadLine::kKeep) != OnBadLine::kFail;
  plan.builder_bytes = budget / 2;
  plan.cache_bytes = options.cache_bytes.value_or(budget / 2);
  // A chunk's size does not depend on the number of threads: pages are made chunk by chunk, and
  // should be the same bytes. With less than a MiB the disk rests between writes; more leaves a
  // processor's own cache.
  const uint64_t share = budget / 8 * 3 / kCopies;
  plan.buffer_bytes = static_cast<size_t>(std::clamp<uint64_t>(share / 12, kMiB / 16, kMiB));
  // Each parser has one at work and one on its way, the writer has some more; and as many again
  // keep the parsers at work while the disk takes its time.
  const uint64_t wanted = 2 * (2 * uint64_t{plan.parsers} + 4);
  plan.buffers = static_cast<size_t>(std::clamp<uint64_t>(share / plan.buffer_bytes, 4, wanted));
  return plan;
}

TargetDatabase::Options TargetOptions(const IngestOptions& options, const StopToken* stop,
                                      bool look_only) {
  return {.from_scratch = options.from_scratch,
          .force = options.force,
          .verify = static_cast<FreshDatabase::Verify>(options.verify),
          .wait = {.longest = options.wait, .stop = stop},
          .page_size = options.page_size,
          .look_only = look_only};
}

// A file may have been renamed since it was planned. What a rotation shifts are the names of all
// that it keeps: none of them is left for the next run, which may come no further.
Result<std::unique_ptr<Source>> OpenWhereItLies(const SourceKey& planned, const StopToken& stop) {
  constexpr int kTries = 5;  // it may be renamed again while its name is looked for
  Result<std::unique_ptr<Source>> opened = OpenSource(planned.path, &stop);
  for (int i = 0; i < kTries; ++i) {
    const bool is_gone = !opened && opened.error().code() == StatusCode::kNotFound;
    if (!is_gone && (!opened || (*opened)->key().SameFileAs(planned))) return opened;
    const Result<std::vector<std::string>> paths = PathsOfInode(planned);
    if (!paths) return Error(paths.error());
    if (!paths->empty()) opened = OpenSource(paths->front(), &stop);
  }
  if (!opened) return opened;
  return Error(Status::Corruption(planned.path + " was rotated while the run began",
                                  "run again: what it holds now is then looked at afresh"));
}

std::vector<PipelineSource> SourcesToRead(RunPlan* plan, const StopToken& stop) {
  std::vector<PipelineSource> sources;
  for (PlannedSource& planned : plan->sources) {
    PipelineSource source;
    source.path = planned.key.path;
    source.table = planned.table;
    source.from = planned.from;
    source.is_done = planned.is_done;
    source.open = [&planned, &stop]() -> Result<std::unique_ptr<Source>> {
      if (planned.open != nullptr) return std::move(planned.open);
      return OpenWhereItLies(planned.key, stop);
    };
    sources.push_back(std::move(source));
  }
  return sources;
}

// The tables are in the plan until the pipeline's LiveTables own them; the sink sees them there.
std::vector<const Table*> Pointers(const LiveTables& tables) {
  std::vector<const Table*> pointers;
  for (uint32_t i = 0; i < tables.size(); ++i) pointers.push_back(&tables.Get(i));
  return pointers;
}

// Those that are read, and behind them those that are lost.
std::vector<SinkSource> SinkSources(const RunPlan& plan) {
  std::vector<SinkSource> sources;
  for (const PlannedSource& planned : plan.sources) {
    sources.push_back({.key = planned.key, .table = planned.table, .known_id = planned.known_id});
  }
  for (const LostSource& lost : plan.lost) {
    sources.push_back({.key = lost.key, .table = lost.table, .known_id = lost.known_id});
  }
  return sources;
}

void Append(const std::vector<std::string>& lines, std::vector<std::string>* to) {
  to->insert(to->end(), lines.begin(), lines.end());
}

// SQLite has pages of 512 bytes too, but they hold so little of an index entry that nobody should.
Status CheckPageSize(uint32_t page_size) {
  const bool power_of_two = (page_size & (page_size - 1)) == 0;
  if (power_of_two && page_size >= 1024 && page_size <= 65536) return {};
  return Status::Usage(
      "--page-size " + std::to_string(page_size) + " is no power of two from 1024 to 65536",
      "4096 is SQLite's own default, and the right one for most");
}

Status CheckOptions(const IngestOptions& options) {
  if (options.on_conflict != OnConflict::kReject && options.primary_key.empty()) {
    return Status::Usage(
        "--ignore and --replace say what to do with a primary key that is there already",
        "say which columns are the key: --pk COL[,COL]");
  }
  return CheckPageSize(options.page_size);
}

// Reads, parses and writes all sources. Batches arrive at the writer in the order of the input
// (I2).
Result<IngestSummary> WriteRows(const IngestOptions& options, const WritePlan& write,
                                const StopToken& stop, const std::string& started_at,
                                LiveTables* tables, RunPlan* plan, Sink* sink, Meter* meter) {
  const std::vector<PipelineSource> sources = SourcesToRead(plan, stop);
  Pipeline pipeline(sources, *tables, sink, stop,
                    {.parsers = write.parsers,
                     .buffers = write.buffers,
                     .buffer_bytes = write.buffer_bytes,
                     .max_line_bytes = options.max_line_bytes,
                     .ingested_at = started_at,
                     .encode_ahead = write.encode_ahead});
  Writer writer(options, *plan, tables, &pipeline, sink, meter);
  const Stopwatch watch;
  if (Status s = writer.WriteAll(); !s.ok()) return Error(s);
  IngestSummary summary = writer.Summary();
  summary.insert_seconds = watch.seconds();
  summary.stopped = summary.stopped || stop.stopped();
  return summary;
}

// Indexes, views, statistics; and a new database appears under its name (I6).
Status FinishDatabase(IngestSummary* summary, Sink* sink, Meter* meter) {
  RunTotals totals{.counts = summary->counts,
                   .bytes_read = summary->bytes_read,
                   .bytes_decoded = summary->bytes_decoded,
                   .bytes_written = summary->bytes_written,
                   .outcome = summary->stopped ? "stopped" : "done"};
  if (!summary->failures.empty()) {
    totals.outcome = "failed: " + summary->failures.front().message();
  }
  const Stopwatch watch;
  Status finished = sink->Finish(totals, [&](const std::string& step) {
    const bool is_index = step.starts_with("index");
    meter->Enter(is_index ? IngestProgress::Phase::kIndexing : IngestProgress::Phase::kFinishing,
                 step);
  });
  summary->index_seconds = watch.seconds();
  return finished;
}

// Pages where the database is made from nothing, unless a table needs SQLite: then a note says why.
WritePlan ChooseWritePlan(const IngestOptions& options, const LiveTables& tables, bool fresh,
                          RunPlan* plan) {
  if (!fresh || !options.write_pages) return ThroughSqlite(options);
  const std::string why_not = PageSink::WhyNot(Pointers(tables), SinkSources(*plan));
  if (why_not.empty()) return AsPages(options);
  plan->notes.push_back("written through SQLite, which is slower than writing pages: " + why_not);
  return ThroughSqlite(options);
}

Result<std::unique_ptr<Sink>> OpenSink(const IngestOptions& options, const WritePlan& write,
                                       const StopToken& stop, const std::string& started_at,
                                       const LiveTables& tables, const RunPlan& plan,
                                       TargetDatabase* target) {
  Bookkeeping::Options bookkeeping = BookkeepingOptions(options, write.path(), started_at, &stop);
  bookkeeping.waiting = WaitingRows(plan.waiting);
  if (write.pages) {
    return PageSink::Open(target, Pointers(tables), SinkSources(plan),
                          {.builder_bytes = write.builder_bytes,
                           .cache_bytes = write.cache_bytes,
                           .threads = write.parsers,
                           .bookkeeping = std::move(bookkeeping)});
  }
  Result<std::unique_ptr<SqliteSink>> sink =
      SqliteSink::Open(target, Pointers(tables), SinkSources(plan),
                       {.cache_bytes = write.cache_bytes,
                        .wal_cap_bytes = options.wal_cap_bytes,
                        .durable = options.durable,
                        .sync_indexes = options.sync_indexes,
                        .bookkeeping = std::move(bookkeeping)});
  if (!sink) return Error(sink.error());
  return std::unique_ptr<Sink>(std::move(*sink));
}

// Whether no database is to be made, because it would be made of nothing. One that is to begin at
// the end of its inputs has to know them.
bool HasNothingToMakeOf(const IngestOptions& options, const TargetDatabase& target,
                        const RunPlan& plan) {
  return target.fresh() && plan.sources.empty() && !options.inputs_may_come &&
         !options.start_at_end && (!plan.waiting.empty() || !plan.failures.empty());
}

// Only inputs that wait: there is nothing to make a database of yet, and nothing is wrong.
Result<IngestSummary> MakeNothing(const RunPlan& plan, const Meter& meter) {
  if (!plan.failures.empty()) return Error(plan.failures.front());
  IngestSummary summary;
  summary.seconds = meter.seconds();
  summary.peak_rss_bytes = PeakResidentMemory();
  summary.path = "none";
  summary.waiting = plan.waiting;
  summary.notes = plan.notes;
  summary.warnings = plan.warnings;
  return summary;
}

ExtractFunction ExtractorOf(const Table& table) {
  return [cells = std::make_shared<LineCells>(table)](std::string_view line) {
    return cells->Of(line);
  };
}

// --alter: keys that earlier runs left in the column for what has none become columns, also if this
// run reads nothing.
Status UnfoldTables(const IngestOptions& options, const StopToken& stop, TargetDatabase* target,
                    RunPlan* plan, Meter* meter) {
  if (!options.alter || target->fresh()) return {};
  for (Table& table : plan->tables) {
    if (table.preset != "auto") continue;
    const UnfoldRules rules{
        .widen = WithColumnsFor,
        .extractor_of = ExtractorOf,
        .stop = &stop,
        .progress =
            [&](uint64_t rows) {
              meter->progress().doing =
                  table.name + ": columns for keys, " + std::to_string(rows) + " rows";
              meter->Tick();
            },
    };
    Result<std::optional<Table>> wider = target->Unfold(table, rules);
    if (!wider) return wider.error();
    if (wider->has_value()) table = std::move(**wider);
  }
  return {};
}

// Why a run ends before its first row: no fault of another writer where it was not waited for.
Error NotBegun(const Status& why, const StopToken& stop) {
  if (why.code() != StatusCode::kBusy || !stop.stopped()) return Error(why);
  return Error({StatusCode::kCancelled, "stopped while waiting for another writer"});
}

}  // namespace

Result<IngestSummary> RunIngest(const IngestOptions& options, const StopToken& stop,
                                const IngestHooks& hooks) {
  if (Status s = CheckOptions(options); !s.ok()) return Error(s);
  const std::string started_at = UtcNow();
  const uint64_t written_before = BytesWritten();
  Meter meter(hooks.progress);
  meter.Enter(IngestProgress::Phase::kPlanning);

  // From here on no other run touches this database.
  Result<std::unique_ptr<TargetDatabase>> target =
      TargetDatabase::Open(options.database, TargetOptions(options, &stop, false));
  if (!target) return NotBegun(target.error(), stop);

  // Which lines of which inputs go to which table, from which offset on.
  Result<RunPlan> plan = MakePlan(options, stop, target->get());
  if (!plan) return NotBegun(plan.error(), stop);
  if (HasNothingToMakeOf(options, **target, *plan)) return MakeNothing(*plan, meter);

  // Nothing was written up to here.
  if (!options.keep_journal) {
    if (Status s = (*target)->TurnToWal(); !s.ok()) return NotBegun(s, stop);
  }
  if (Status s = UnfoldTables(options, stop, target->get(), &*plan, &meter); !s.ok())
    return NotBegun(s, stop);
  Append((*target)->notes(), &plan->notes);
  LiveTables tables(plan->tables);
  const WritePlan write = ChooseWritePlan(options, tables, (*target)->fresh(), &*plan);
  if (hooks.note) {
    for (const std::string& note : plan->notes) hooks.note(note);
  }

  Result<std::unique_ptr<Sink>> opened =
      OpenSink(options, write, stop, started_at, tables, *plan, target->get());
  if (!opened) return NotBegun(opened.error(), stop);
  const std::unique_ptr<Sink> sink = std::move(*opened);

  // The rows. On every way out but the last a new database goes, and what was committed stays.
  Result<IngestSummary> summary =
      WriteRows(options, write, stop, started_at, &tables, &*plan, sink.get(), &meter);
  if (!summary) {
    sink->Abandon(summary.error());
    return summary;
  }
  summary->waiting = plan->waiting;
  summary->failures.insert(summary->failures.begin(), plan->failures.begin(), plan->failures.end());
  const bool nothing_read = summary->counts.lines == 0 && !summary->failures.empty();
  if (nothing_read && (*target)->fresh() && !options.inputs_may_come) {
    sink->Abandon(summary->failures.front());
    return Error(summary->failures.front());
  }

  // What is made once all rows are there.
  summary->bytes_written = BytesWritten() - written_before;
  if (Status s = FinishDatabase(&*summary, sink.get(), &meter); !s.ok()) {
    sink->Abandon(s);
    return Error(s);
  }

  summary->bytes_written = BytesWritten() - written_before;
  summary->seconds = meter.seconds();
  summary->peak_rss_bytes = PeakResidentMemory();
  summary->path = write.path();
  if (Result<FileInfo> info = Stat((*target)->path())) summary->database_bytes = info->size;
  Append(plan->notes, &summary->notes);
  Append(sink->notes(), &summary->notes);
  Append(plan->warnings, &summary->warnings);
  Append(sink->warnings(), &summary->warnings);
  return summary;
}

Result<IngestPlan> PlanIngest(const IngestOptions& options) {
  if (Status s = CheckOptions(options); !s.ok()) return Error(s);
  Result<std::unique_ptr<TargetDatabase>> target =
      TargetDatabase::Open(options.database, TargetOptions(options, nullptr, true));
  if (!target) return Error(target.error());
  const StopToken never;
  Result<RunPlan> run = MakePlan(options, never, target->get());
  if (!run) return Error(run.error());

  IngestPlan plan;
  plan.database = (*target)->path();
  plan.creates_database = (*target)->fresh();
  for (const PlannedSource& source : run->sources) {
    plan.sources.push_back({.path = source.key.path,
                            .table = run->tables[source.table].name,
                            .preset = source.schema,
                            .from_offset = source.from.bytes,
                            .stored_size = source.stored_size,
                            .decision = source.decision});
  }
  plan.waiting = run->waiting;
  plan.failures = run->failures;
  if (HasNothingToMakeOf(options, **target, *run)) plan.creates_database = false;
  for (const Table& table : run->tables) {
    Result<std::vector<std::string>> ddl = (*target)->MissingDdl(table);
    if (!ddl) return Error(ddl.error());
    plan.ddl.insert(plan.ddl.end(), ddl->begin(), ddl->end());
  }
  return plan;
}

}  // namespace sluice
