// SPDX-License-Identifier: Apache-2.0
#include "ingest/live_database.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "extract/inference.h"
#include "ingest/plan.h"
#include "ingest/run_options.h"
#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// What is resident before the first line: the program, its libraries, the heap of its start.
constexpr uint64_t kProgramBytes = 8 * kMiB;

// What a source takes as long as it is followed, with what finds it. Some hundred are part of
// kProgramBytes.
constexpr uint64_t kSourceBytes = 800;
constexpr uint64_t kFewSources = 500;
constexpr uint64_t kLeastCacheBytes = kMiB;

// To move so many bytes of the WAL takes milliseconds; all up to its cap would hold up commits for
// a tenth of a second and more.
constexpr uint64_t kCheckpointBytes = 8 * kMiB;

}  // namespace

LiveMemory LiveMemory::Share(const LiveOptions& options) {
  const uint64_t budget = options.rss_budget_bytes;
  const uint64_t free = budget - std::min(budget, kProgramBytes);
  LiveMemory memory;
  memory.cache_bytes = std::clamp<uint64_t>(free / 2, kLeastCacheBytes, 256 * kMiB);
  memory.buffer_bytes = std::clamp<size_t>(free / 16, kMiB / 16,
                                           ChunkBytes(options.commit_rows, options.commit_bytes));
  // Its text, its record, and the pages of the record that the cache cannot hold.
  memory.line_bytes = std::max<uint64_t>(free / 8, memory.buffer_bytes);
  return memory;
}

Result<std::unique_ptr<LiveDatabase>> LiveDatabase::Open(
    const LiveOptions& options, const LiveMemory& memory, const LockWait& wait,
    const std::string& started_at, const std::vector<std::string>& first_tables,
    std::vector<Table> extra_tables) {
  std::unique_ptr<LiveDatabase> database(new LiveDatabase(options, wait, started_at));
  if (Status s = database->OpenTarget(); !s.ok()) return Error(s);
  if (Status s = database->CollectTables(first_tables, std::move(extra_tables)); !s.ok())
    return Error(s);
  if (Status s = database->ReadSearchBegin(); !s.ok()) return Error(s);
  Result<Knowledge> knowledge = IndexKnowledge(database->target_.get());
  if (!knowledge) return Error(knowledge.error());
  database->knowledge_ = std::move(*knowledge);
  if (Status s = database->OpenSink(memory); !s.ok()) return Error(s);
  return database;
}

Status LiveDatabase::OpenTarget() {
  const std::string& path = options_.ingest.database;
  // Followed is what an earlier run began: a database that is not there has nothing to go on from.
  const Result<FileInfo> info = Stat(path);
  if (!info && info.error().code() == StatusCode::kNotFound) {
    return Status::NotFound(path + ": there is no such database to go on with",
                            "make it by a run over the same inputs first (RunIngest, with "
                            "inputs_may_come): live mode begins where that run ended");
  }
  if (!info) return info.error();
  opened_ = *info;
  Result<std::unique_ptr<TargetDatabase>> target = TargetDatabase::Open(path, {.wait = wait_});
  if (!target) return target.error();
  target_ = std::move(*target);
  return options_.ingest.keep_journal ? Status() : target_->TurnToWal();
}

Status LiveDatabase::CheckIsStillThere() const {
  const Result<FileInfo> info = Stat(target_->path());
  const std::string remedy =
      "start sluice again: it goes on from the offsets of the database that it finds";
  if (IsGone(info)) {
    return Status::NotFound(target_->path() + " was deleted while it was written", remedy);
  }
  if (!info) return {};  // nobody knows, and who writes to it hears of it
  if (!info->SameFileAs(opened_)) {
    return Status::Corruption(target_->path() + " was replaced while it was written", remedy);
  }
  return {};
}

Status LiveDatabase::CollectTables(const std::vector<std::string>& first_tables,
                                   std::vector<Table> extra_tables) {
  for (const std::string& name : first_tables) {
    const auto wider = std::ranges::find_if(
        extra_tables, [&](const Table& table) { return SameName(table.name, name); });
    if (wider != extra_tables.end()) {
      AddTable(*wider);
    } else if (Status s = AddStoredTable(name); !s.ok()) {
      return s;
    }
  }
  if (target_->ledger() != nullptr) {
    Result<std::vector<std::string>> names = target_->ledger()->Tables();
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (TableNamed(name)) continue;
      Result<std::optional<Table>> table = target_->StoredTable(name);
      if (!table) return table.error();
      if (!table->has_value()) continue;
      const Result<bool> wanted = IsWanted(**table);
      if (!wanted) return wanted.error();
      if (*wanted) AddTable(std::move(**table));
    }
  }
  for (Table& table : extra_tables) {
    if (!TableNamed(table.name)) AddTable(std::move(table));
  }
  return {};
}

Status LiveDatabase::AddStoredTable(const std::string& name) {
  Result<std::optional<Table>> table = target_->StoredTable(name);
  if (!table) return table.error();
  if (!table->has_value()) {
    return Status::NotFound(target_->path() + ": the table " + name +
                                " is gone, and lines of followed files are to go there",
                            "start sluice again: it decides anew which table they go to");
  }
  AddTable(std::move(**table));
  return {};
}

bool LiveDatabase::Fits(const Table& table) const {
  const std::optional<uint32_t> index = TableNamed(table.name);
  if (!index) return false;
  const std::vector<Column>& there = tables_[*index]->columns;
  return std::ranges::all_of(table.columns, [&](const Column& column) {
    return std::ranges::any_of(there,
                               [&](const Column& c) { return SameName(c.name, column.name); });
  });
}

std::vector<std::string> LiveDatabase::TableNames() const {
  std::vector<std::string> names;
  for (const Table* table : tables_) names.push_back(table->name);
  return names;
}

Status LiveDatabase::ReadSearchBegin() {
  if (target_->ledger() == nullptr) return {};
  const Result<int64_t> began = RotatedSearchBegins(target_->ledger());
  if (!began) return began.error();
  search_begins_ns_ = *began != 0 ? *began : ParseUtc(started_at_);
  return {};
}

// Whether lines of this run may go to a table that is there: the rule by which a run of the same
// options would choose it (ingest/plan_tables.cc).
Result<bool> LiveDatabase::IsWanted(const Table& table) const {
  const IngestOptions& options = options_.ingest;
  if (!options.table.empty()) return SameName(table.name, options.table);
  if (options.schema == "auto") return !table.preset.empty() && table.preset != "raw";
  Result<Table> named =
      options.schema.ends_with(".toml") ? LoadSchema(options.schema) : LoadPreset(options.schema);
  if (!named) return Error(named.error());
  return SameName(table.name, named->name);
}

void LiveDatabase::AddTable(Table table) {
  versions_.push_back(std::move(table));
  tables_.push_back(&versions_.back());
  extractors_.push_back(std::make_unique<Extractor>(versions_.back()));
}

// Of the cache's share, what is left when each source has its own.
Status LiveDatabase::ShareCache(const LiveMemory& memory) {
  const Result<uint64_t> sources =
      target_->ledger() == nullptr ? uint64_t{0} : target_->ledger()->CountSources();
  if (!sources) return sources.error();
  const uint64_t taken = kSourceBytes * (*sources - std::min(*sources, kFewSources));
  cache_bytes_ =
      std::max(memory.cache_bytes - std::min(memory.cache_bytes, taken), kLeastCacheBytes);
  cache_bytes_ = options_.ingest.cache_bytes.value_or(cache_bytes_);
  return {};
}

Status LiveDatabase::OpenSink(const LiveMemory& memory) {
  if (Status s = ShareCache(memory); !s.ok()) return s;
  Bookkeeping::Options bookkeeping =
      BookkeepingOptions(options_.ingest, "live", started_at_, wait_.stop);
  bookkeeping.run.command = "follow " + bookkeeping.run.command;
  SqliteSink::Options options{.cache_bytes = cache_bytes_,
                              .wal_cap_bytes = options_.ingest.wal_cap_bytes,
                              .checkpoint_bytes = kCheckpointBytes,
                              .durable = options_.ingest.durable,
                              .sync_indexes = false,
                              .indexes_first = true,
                              .busy_wait = kBusyWait,
                              .bookkeeping = std::move(bookkeeping)};
  Result<std::unique_ptr<SqliteSink>> sink =
      SqliteSink::Open(target_.get(), tables_, {}, std::move(options));
  if (!sink) return sink.error();
  sink_ = std::move(*sink);
  return sink_->Commit({});  // the write lock is held only while there is something to write
}

Status LiveDatabase::EachSource(const std::function<Status(SourceRow)>& visit) {
  return target_->EachSource(
      [&](SourceRow row) { return TableNamed(row.table) ? visit(std::move(row)) : Status(); });
}

Result<bool> LiveDatabase::IsKnownAsLost(int64_t source_id) {
  return target_->ledger()->HasGap(source_id);
}

std::optional<uint32_t> LiveDatabase::TableNamed(std::string_view name) const {
  for (uint32_t i = 0; i < tables_.size(); ++i) {
    if (SameName(tables_[i]->name, name)) return i;
  }
  return std::nullopt;
}

Result<RunPlan> LiveDatabase::Plan(const std::string& path, const StopToken& stop,
                                   Folders* folders) {
  for (auto& [table, sources] : knowledge_.sources) sources.Settle();
  IngestOptions one = options_.ingest;
  one.inputs = {path};
  one.from_scratch = one.force = one.start_at_end = false;
  one.start_offset.reset();
  return MakePlan(one, stop, target_.get(), &knowledge_, folders);
}

Result<LiveDatabase::AtPath> LiveDatabase::LookAtPath(const std::string& path, Folders* folders) {
  AtPath found;
  for (auto& [table, sources] : knowledge_.sources) {
    if (!TableNamed(table)) continue;
    Result<std::vector<StoredSource>> here = sources.AtPath(path);
    if (!here) return Error(here.error());
    std::erase_if(*here, [](const StoredSource& source) { return source.offset.bytes == 0; });
    if (here->empty()) continue;
    // A file that cannot be read now is a new name, and is told when it is looked at.
    Result<std::optional<Identity>> identity = IdentifyByPath(path, &sources, folders);
    if (!identity) continue;
    found.table = table;
    found.latest = std::move(here->back());
    found.identity = std::move(*identity);
    if (found.identity) break;
  }
  return found;
}

void LiveDatabase::NoteEmptied(int64_t source_id, const SourceKey& file) {
  for (auto& [table, sources] : knowledge_.sources) sources.Emptied(source_id, file);
}

void LiveDatabase::NoteCommitted(const FollowedFile& file, const Offset& before, bool is_new) {
  KnownSources& sources = knowledge_.Of(tables_[file.table]->name);
  sources.Settle();
  const KnownSource now{.id = file.source_id, .key = file.file.key(), .offset = file.file.offset()};
  if (is_new) {
    sources.Add(now);
  } else {
    sources.Advance(file.source_id, before, now.offset);
  }
}

uint32_t LiveDatabase::SlotOf(const FollowedFile& file) {
  const auto [slot, is_new] = slots_.try_emplace(&file);
  if (is_new) {
    slot->second =
        sink_->AddSource({.key = file.file.key(), .table = file.table, .known_id = file.source_id});
  }
  return slot->second;
}

void LiveDatabase::Forget(const FollowedFile& file) {
  const auto slot = slots_.find(&file);
  if (slot == slots_.end()) return;
  sink_->ForgetSource(slot->second);
  slots_.erase(slot);
}

void LiveDatabase::Moved(const FollowedFile& file) {
  sink_->MoveSource(SlotOf(file), file.file.key());
  if (file.source_id == 0) return;
  knowledge_.Of(tables_[file.table]->name)
      .Move(KnownSource{.id = file.source_id, .key = {}, .offset = file.file.offset()},
            file.file.key());
}

Status LiveDatabase::Write(Parcel* parcel, const ChunkPart& part, const FollowedFile& file,
                           Status* bad_line) {
  parcel->source = SlotOf(file);
  Parse(parcel, part, file);
  if (Status s = AddNewColumns(parcel, file.table); !s.ok()) return s;
  if (parcel->batch.table != tables_[file.table]) Parse(parcel, part, file);
  if (options_.ingest.on_bad_line != OnBadLine::kFail) return WriteBatch(parcel);

  // Of a line that cannot be parsed, and of one that the table refuses, the first ends the run.
  *bad_line = StopBeforeBadLine(parcel, part, file);
  if (parcel->batch.rows() == 0 && !bad_line->ok()) return {};
  if (Status s = WriteBatch(parcel); !s.ok()) return s;
  const LineCounts written = parcel->batch.counts;
  const Status refused = StopBeforeBadLine(parcel, part, file);
  if (refused.ok()) return {};
  *bad_line = refused;
  parcel->batch.counts.rows -= written.ignored;
  parcel->batch.counts.ignored = written.ignored;
  parcel->batch.counts.replaced = written.replaced;
  return {};
}

Status LiveDatabase::WriteBatch(Parcel* parcel) {
  if (Status s = sink_->Encode(&parcel->batch, 0); !s.ok()) return s;
  return sink_->Write(&parcel->batch);
}

void LiveDatabase::Parse(Parcel* parcel, const ChunkPart& part, const FollowedFile& file) {
  const ExtractContext context{.source_path = file.file.key().path, .ingested_at = started_at_};
  ParseChunk(parcel, part, *tables_[file.table], context, extractors_[file.table].get());
}

// What is left in the batch are the lines before the first bad one.
Status LiveDatabase::StopBeforeBadLine(Parcel* parcel, const ChunkPart& part,
                                       const FollowedFile& file) {
  const std::optional<BadLine> bad = FirstBadLine(*parcel, part, file.file.key().path);
  if (!bad) return {};
  if (bad->before.end > bad->before.begin) {
    Parse(parcel, bad->before, file);
  } else {
    parcel->batch.Clear();
    parcel->batch.end = file.file.offset();
  }
  return bad->failure;
}

// --alter: keys that the table has no column for become columns.
Status LiveDatabase::AddNewColumns(Parcel* parcel, uint32_t table) {
  if (!options_.ingest.alter || parcel->batch.unknown_keys.empty()) return {};
  const Result<std::vector<std::string>> others = sink_->ColumnsOf(table);
  if (!others) return others.error();
  std::optional<Table> wider = WithColumnsFor(*tables_[table], parcel->batch.unknown_keys, *others);
  if (!wider) return {};
  versions_.push_back(*std::move(wider));
  if (Status s = sink_->AddColumns(table, versions_.back()); !s.ok()) return s;
  tables_[table] = &versions_.back();
  extractors_[table] = std::make_unique<Extractor>(versions_.back());
  return {};
}

}  // namespace sluice
