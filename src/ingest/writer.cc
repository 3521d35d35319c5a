// SPDX-License-Identifier: Apache-2.0
#include "ingest/writer.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "extract/inference.h"
#include "schema/names.h"

namespace sluice {

Writer::Writer(const IngestOptions& options, const RunPlan& plan, LiveTables* tables,
               Pipeline* pipeline, Sink* sink, Meter* meter)
    : options_(options),
      plan_(plan),
      tables_(tables),
      pipeline_(pipeline),
      sink_(sink),
      meter_(meter),
      states_(plan.sources.size()) {
  for (size_t i = 0; i < states_.size(); ++i) {
    states_[i].offset = plan.sources[i].from;
    states_[i].touched = plan.sources[i].new_place;
    const uint64_t stored = plan.sources[i].stored_size;
    meter_->progress().stored_bytes_total += stored - std::min(stored, plan.sources[i].from.bytes);
  }
}

Status Writer::WriteAll() {
  meter_->Enter(IngestProgress::Phase::kReading);
  while (RowsLeft() > 0) {
    std::unique_ptr<Parcel> parcel = pipeline_->NextInOrder(NextDeadline());
    if (parcel == nullptr && pipeline_->ended()) break;
    if (parcel != nullptr) {
      if (Status s = Take(std::move(parcel)); !s.ok()) return s;
    }
    // By rows, by bytes or by time, whichever comes first. Rows and offsets together (I1).
    if (CommitDue()) {
      if (Status s = Commit(); !s.ok()) return s;
    }
    meter_->Tick();
  }
  if (Status s = Commit(); !s.ok()) return s;
  return CheckBalance();
}

Status Writer::Take(std::unique_ptr<Parcel> parcel) {
  if (!parcel->read_status.ok()) {
    failures_.push_back(parcel->read_status);
  } else if (Status s = TakeBatches(parcel.get()); !s.ok()) {
    return s;
  }
  if (parcel->rereadable || !parcel->read_status.ok()) {
    pipeline_->Release(std::move(parcel));
  } else {
    held_.push_back(std::move(parcel));
  }
  return {};
}

// Mostly the one batch that the pipeline made of the parcel's chunk. Where --stop-after falls into
// it, only the lines up to that row; and where the table ignored some of those, lines behind them,
// until there are as many rows as were asked for.
Status Writer::TakeBatches(Parcel* parcel) {
  if (Status s = AddNewColumns(parcel); !s.ok()) return s;
  const Result<bool> commits_each_line = sink_->CommitsEachLine(parcel->source);
  if (!commits_each_line) return commits_each_line.error();
  if (*commits_each_line) return TakeLineByLine(parcel);
  ChunkPart part = WholeOf(parcel->chunk);
  while (parcel->batch.rows() > RowsLeft()) {
    const Line last = parcel->batch.line_of_row(RowsLeft() - 1);
    const ChunkPart first_part = UpTo(parcel->chunk, part, last);
    pipeline_->ParseAgain(parcel, first_part);
    if (Status s = WriteBatch(parcel, first_part); !s.ok()) return s;
    if (RowsLeft() == 0) return {};
    part = Behind(parcel->chunk, part, last);
    pipeline_->ParseAgain(parcel, part);
  }
  return WriteBatch(parcel, part);
}

// --alter: keys that the table has no column for become columns, and the batch is parsed again by
// the wider table. So are those that were parsed by the narrower one meanwhile, when their turn
// comes.
Status Writer::AddNewColumns(Parcel* parcel) {
  if (!options_.alter) return {};
  const uint32_t index = plan_.sources[parcel->source].table;
  const Table& current = tables_->Get(index);
  if (parcel->batch.table != &current) pipeline_->ParseAgain(parcel, WholeOf(parcel->chunk));
  if (parcel->batch.unknown_keys.empty()) return {};

  const Result<std::vector<std::string>> others = sink_->ColumnsOf(index);
  if (!others) return others.error();
  std::optional<Table> wider = WithColumnsFor(current, parcel->batch.unknown_keys, *others);
  if (!wider) return {};
  const Table& replaced = tables_->Replace(index, *std::move(wider));
  if (Status s = sink_->AddColumns(index, replaced); !s.ok()) return s;
  pipeline_->ParseAgain(parcel, WholeOf(parcel->chunk));
  return {};
}

// Each line in a transaction of its own. Slow, and only for tables that may roll it back.
Status Writer::TakeLineByLine(Parcel* parcel) {
  if (Status s = Commit(); !s.ok()) return s;
  const ChunkPart whole = WholeOf(parcel->chunk);
  for (ChunkPart rest = whole; rest.begin < whole.end && RowsLeft() > 0;) {
    const ChunkPart line = FirstLineOf(parcel->chunk, rest);
    pipeline_->ParseAgain(parcel, line);
    if (Status s = WriteBatch(parcel, line); !s.ok()) return s;
    if (Status s = Commit(); !s.ok()) return s;
    const Offset& end = states_[parcel->source].offset;
    rest = {.begin = line.end, .end = whole.end, .first_line = end.lines + 1};
  }
  return {};
}

Status Writer::WriteBatch(Parcel* parcel, const ChunkPart& part) {
  if (options_.on_bad_line != OnBadLine::kFail) return HandToSink(parcel);
  std::optional<BadLine> bad = FirstBadLineOf(*parcel, part);
  if (bad) pipeline_->ParseAgain(parcel, bad->before);
  const ChunkPart good = bad ? bad->before : part;
  if (good.end > good.begin) {
    Result<std::optional<BadLine>> refused = WriteUpToRefusal(parcel, good);
    if (!refused) return refused.error();
    if (*refused) bad = std::move(*refused);
  }
  if (!bad) return {};
  // The lines before the bad one are committed, and the run ends.
  if (Status s = Commit(); !s.ok()) return s;
  return bad->failure;
}

std::optional<BadLine> Writer::FirstBadLineOf(const Parcel& parcel, const ChunkPart& part) const {
  return FirstBadLine(parcel, part, plan_.sources[parcel.source].key.path);
}

// The rows up to the first one that the table refuses. That one is the only reject of the batch,
// and the line before it is where the batch ends then.
Result<std::optional<BadLine>> Writer::WriteUpToRefusal(Parcel* parcel, const ChunkPart& part) {
  if (Status s = pipeline_->EncodeUnlessAhead(parcel); !s.ok()) return Error(s);
  if (Status s = sink_->Write(&parcel->batch); !s.ok()) return Error(s);
  std::optional<BadLine> bad = FirstBadLineOf(*parcel, part);
  if (bad) {
    const LineCounts written = parcel->batch.counts;
    pipeline_->ParseAgain(parcel, bad->before);
    parcel->batch.counts.rows -= written.ignored;
    parcel->batch.counts.ignored = written.ignored;
    parcel->batch.counts.replaced = written.replaced;
  }
  Account(*parcel);
  return bad;
}

Status Writer::HandToSink(Parcel* parcel) {
  if (Status s = pipeline_->EncodeUnlessAhead(parcel); !s.ok()) return s;
  if (Status s = sink_->Write(&parcel->batch); !s.ok()) return s;
  Account(*parcel);
  return {};
}

void Writer::Account(const Parcel& parcel) {
  const RowBatch& batch = parcel.batch;
  State& state = states_[parcel.source];
  state.touched = state.touched || batch.end != state.offset || batch.counts.lines > 0;
  state.offset = batch.end;
  state.counts += batch.counts;
  state.uncommitted += batch.counts;
  stored_bytes_ += parcel.stored_bytes - std::exchange(state.stored_bytes, parcel.stored_bytes);
  counts_ += batch.counts;
  decoded_bytes_ += batch.decoded_bytes;
  strings_kept_out_ += batch.strings_kept_out;
  extra_keys_.Add(batch);
  uncommitted_rows_ += batch.counts.rows;
  uncommitted_bytes_ += batch.decoded_bytes;

  IngestProgress& progress = meter_->progress();
  progress.source = plan_.sources[parcel.source].key.path;
  progress.stored_bytes = stored_bytes_;
  progress.decoded_bytes = decoded_bytes_;
  progress.rows = counts_.rows;
  progress.rejects = counts_.rejects;
}

bool Writer::CommitDue() const {
  return uncommitted_rows_ >= options_.commit_rows || uncommitted_bytes_ >= options_.commit_bytes ||
         since_commit_.elapsed() >= options_.commit_interval ||
         held_.size() >= pipeline_->buffers() / 2;  // or the pipe would wait for its own chunks
}

std::chrono::steady_clock::time_point Writer::NextDeadline() const {
  const auto now = std::chrono::steady_clock::now();
  const auto tick = std::chrono::milliseconds(100);
  const auto left = options_.commit_interval - since_commit_.elapsed();
  return now +
         std::clamp<std::chrono::steady_clock::duration>(left, std::chrono::milliseconds(1), tick);
}

Status Writer::Commit() {
  std::vector<SourceProgress> progress;
  for (uint32_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    if (!state.touched) continue;
    progress.push_back({.source = i,
                        .offset = state.offset,
                        .added = state.uncommitted,
                        .is_found = plan_.sources[i].new_place && !gaps_are_told_});
    state.uncommitted = {};
    state.touched = false;
  }
  if (!std::exchange(gaps_are_told_, true)) TellGaps(&progress);
  if (Status s = sink_->Commit(progress); !s.ok()) return s;
  extra_keys_.Commit();
  for (std::unique_ptr<Parcel>& parcel : held_) pipeline_->Release(std::move(parcel));
  held_.clear();
  since_commit_.Restart();
  uncommitted_rows_ = 0;
  uncommitted_bytes_ = 0;
  return sink_->AfterCommit();
}

// With the first commit, which may bring the lines that took their place.
void Writer::TellGaps(std::vector<SourceProgress>* progress) const {
  auto index = static_cast<uint32_t>(plan_.sources.size());
  for (const LostSource& lost : plan_.lost) {
    progress->push_back({.source = index++, .offset = lost.offset, .added = {}, .gap_bytes = 0});
  }
}

uint64_t Writer::RowsLeft() const {
  const uint64_t limit = options_.stop_after_rows.value_or(std::numeric_limits<uint64_t>::max());
  return limit - std::min(limit, counts_.rows);
}

// I9: no line is lost, none counted twice.
Status Writer::CheckBalance() const {
  for (size_t i = 0; i < states_.size(); ++i) {
    const LineCounts& counts = states_[i].counts;
    if (counts.Balanced()) continue;
    return Status::Internal(plan_.sources[i].key.path + ": of " + std::to_string(counts.lines) +
                            " lines read, " + std::to_string(counts.rows) + " became rows, " +
                            std::to_string(counts.ignored) + " were ignored, " +
                            std::to_string(counts.rejects) + " rejected, " +
                            std::to_string(counts.blank) + " were blank and " +
                            std::to_string(counts.unfinished) + " unfinished (I9)");
  }
  return {};
}

IngestSummary Writer::Summary() const {
  IngestSummary summary;
  summary.counts = counts_;
  summary.bytes_read = stored_bytes_;
  summary.bytes_decoded = decoded_bytes_;
  summary.failures = failures_;
  summary.stopped = RowsLeft() == 0;
  summary.extra_keys = extra_keys_.Summary();
  for (size_t i = 0; i < states_.size(); ++i) {
    summary.sources.push_back({.path = plan_.sources[i].key.path,
                               .table = tables_->Get(plan_.sources[i].table).name,
                               .offset = states_[i].offset,
                               .counts = states_[i].counts});
  }
  if (std::string warning = NoRowsWarning(); !warning.empty())
    summary.warnings.push_back(std::move(warning));
  if (strings_kept_out_ > 0) {
    const bool one = strings_kept_out_ == 1;
    summary.notes.push_back(std::to_string(strings_kept_out_) +
                            (one ? " string went to _extra, because the numeric type of its column "
                                   "would have changed it"
                                 : " strings went to _extra, because the numeric types of their "
                                   "columns would have changed them"));
  }
  return summary;
}

// In one line, instead of leaving the rejects of a text file unexplained.
std::string Writer::NoRowsWarning() const {
  size_t first = states_.size();
  size_t sources = 0;
  for (size_t i = 0; i < states_.size(); ++i) {
    const LineCounts& counts = states_[i].counts;
    const bool nothing_but_rejects = counts.rejects > 0 && counts.rows == 0 && counts.ignored == 0;
    if (!nothing_but_rejects || plan_.sources[i].from.bytes > 0) continue;
    first = std::min(first, i);
    ++sources;
  }
  if (sources == 0) return {};
  std::string warning = "not one line of " + plan_.sources[first].key.path;
  if (sources > 1) warning += ", and of " + std::to_string(sources - 1) + " more,";
  return warning + " became a row: `sluice rejects` says what is wrong with them";
}

}  // namespace sluice
