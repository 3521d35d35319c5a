// SPDX-License-Identifier: Apache-2.0
#include "ingest/pipeline.h"

#include <limits>
#include <utility>

namespace sluice {

LiveTables::LiveTables(std::vector<Table> tables) {
  for (Table& table : tables) {
    versions_.push_back(std::move(table));
    current_.push_back(std::make_unique<std::atomic<const Table*>>(&versions_.back()));
  }
}

const Table& LiveTables::Replace(uint32_t index, Table table) {
  versions_.push_back(std::move(table));
  current_[index]->store(&versions_.back(), std::memory_order_release);
  return versions_.back();
}

int64_t RowidCounter::Take(uint32_t table, size_t rows) {
  MutexLock lock(mutex_);
  return TakeLocked(table, rows);
}

int64_t RowidCounter::TakeInTurn(uint64_t sequence, uint32_t table, size_t rows) {
  MutexLock lock(mutex_);
  while (turn_ != sequence) turn_came_.Wait(mutex_);
  ++turn_;
  turn_came_.NotifyAll();
  return TakeLocked(table, rows);
}

int64_t RowidCounter::TakeLocked(uint32_t table, size_t rows) {
  return std::exchange(next_[table], next_[table] + static_cast<int64_t>(rows));
}

void ParserThread::Parse(Parcel* parcel, const ChunkPart& part, const Table& table,
                         const ExtractContext& context) {
  const auto extractor = extractors_.try_emplace(&table, table).first;
  ParseChunk(parcel, part, table, context, &extractor->second);
}

Pipeline::Pipeline(const std::vector<PipelineSource>& sources, const LiveTables& tables, Sink* sink,
                   const StopToken& stop, Options options)
    : sources_(sources),
      tables_(tables),
      sink_(sink),
      stop_(stop),
      options_(std::move(options)),
      pool_(options_.buffers, options_.buffer_bytes),
      work_(options_.buffers, std::numeric_limits<size_t>::max()),
      rowids_(tables.size()) {
  reader_ = std::thread([this] { ReadAll(); });
  for (unsigned i = 0; i < options_.parsers; ++i) {
    parsers_.emplace_back([this, i] { ParseAll(i); });
  }
}

Pipeline::~Pipeline() {
  work_.Stop();
  pool_.Close();
  reader_.join();
  for (std::thread& parser : parsers_) parser.join();
}

void Pipeline::ReadAll() {
  for (uint32_t i = 0; i < sources_.size() && !stop_.stopped(); ++i) {
    const Status status = ReadSource(i);
    if (status.ok()) continue;
    if (status.code() == StatusCode::kCancelled) break;
    // In its place in the order: the writer hears of it when all that was read before is written.
    std::unique_ptr<Parcel> failed = TakeFree();
    failed->source = i;
    failed->read_status = status;
    if (!Hand(std::move(failed))) break;
  }
  work_.Close();
  MutexLock lock(mutex_);
  parcels_ = handed_;
  done_ready_.NotifyAll();
}

Status Pipeline::ReadSource(uint32_t index) {
  const PipelineSource& planned = sources_[index];
  Result<std::unique_ptr<Source>> source = planned.open();
  if (!source) return source.error();
  Result<ChunkReader::Start> start = ResumeAt(**source, planned.from);
  if (!start) return start.error();
  const uint64_t read_to_resume = planned.from.bytes > 0 ? (*source)->stored_bytes_read() : 0;
  ChunkReader reader(**source, pool_, options_.max_line_bytes, std::move(*start));

  bool after_tail = planned.from.tail_taken;
  for (bool last = false; !last;) {
    if (stop_.stopped()) return {StatusCode::kCancelled, "stopped"};
    Result<Chunk> chunk = reader.Next();
    if (!chunk) return chunk.error();
    last = chunk->ends_source;

    std::unique_ptr<Parcel> parcel = TakeFree();
    parcel->source = index;
    parcel->chunk = std::move(*chunk);
    parcel->may_grow = (*source)->may_grow();
    parcel->rereadable = (*source)->rereadable();
    parcel->begins_after_tail = std::exchange(after_tail, false);
    parcel->max_line_bytes = options_.max_line_bytes;
    parcel->stored_bytes = (*source)->stored_bytes_read() - read_to_resume;
    if (!Hand(std::move(parcel))) return {StatusCode::kCancelled, "torn down"};
  }
  return {};
}

std::unique_ptr<Parcel> Pipeline::TakeFree() {
  std::unique_ptr<Parcel> parcel;
  {
    MutexLock lock(mutex_);
    if (!free_.empty()) {
      parcel = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (parcel == nullptr) parcel = std::make_unique<Parcel>();
  parcel->chunk = Chunk();
  parcel->read_status = Status();
  parcel->encode_status = Status();
  return parcel;
}

bool Pipeline::Hand(std::unique_ptr<Parcel> parcel) {
  parcel->sequence = handed_++;
  return work_.Push(std::move(parcel));
}

void Pipeline::ParseAll(unsigned thread) {
  ParserThread parser;
  while (std::optional<std::unique_ptr<Parcel>> work = work_.Pop()) {
    std::unique_ptr<Parcel> parcel = std::move(*work);
    const PipelineSource& source = sources_[parcel->source];
    if (parcel->read_status.ok()) {
      parser.Parse(parcel.get(), WholeOf(parcel->chunk), tables_.Get(source.table),
                   {.source_path = source.path, .ingested_at = options_.ingested_at});
    }
    if (options_.encode_ahead) EncodeInTurn(parcel.get(), thread);
    MutexLock lock(mutex_);
    const uint64_t sequence = parcel->sequence;
    done_[sequence] = std::move(parcel);
    done_ready_.NotifyAll();
  }
}

// A parcel without rows takes its turn too, so that those behind it get theirs.
void Pipeline::EncodeInTurn(Parcel* parcel, unsigned thread) {
  const bool read = parcel->read_status.ok();
  if (read) sink_->Screen(&parcel->batch);
  const size_t rows = read ? parcel->batch.rows() : 0;
  const uint32_t table = sources_[parcel->source].table;
  parcel->batch.first_rowid = rowids_.TakeInTurn(parcel->sequence, table, rows);
  if (read) parcel->encode_status = sink_->Encode(&parcel->batch, thread);
}

Status Pipeline::EncodeUnlessAhead(Parcel* parcel) {
  if (options_.encode_ahead) return parcel->encode_status;
  RowBatch& batch = parcel->batch;
  sink_->Screen(&batch);
  batch.first_rowid = rowids_.Take(sources_[parcel->source].table, batch.rows());
  return sink_->Encode(&batch, 0);
}

std::unique_ptr<Parcel> Pipeline::NextInOrder(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  for (;;) {
    const auto next = done_.find(next_sequence_);
    if (next != done_.end()) {
      std::unique_ptr<Parcel> parcel = std::move(next->second);
      done_.erase(next);
      ++next_sequence_;
      return parcel;
    }
    ended_ = parcels_ == next_sequence_;
    if (ended_ || !done_ready_.WaitUntil(mutex_, deadline)) return nullptr;
  }
}

void Pipeline::Release(std::unique_ptr<Parcel> parcel) {
  parcel->batch.Clear();
  parcel->chunk = Chunk();
  MutexLock lock(mutex_);
  free_.push_back(std::move(parcel));
}

void Pipeline::ParseAgain(Parcel* parcel, const ChunkPart& part) {
  const PipelineSource& source = sources_[parcel->source];
  writers_parser_.Parse(parcel, part, tables_.Get(source.table),
                        {.source_path = source.path, .ingested_at = options_.ingested_at});
}

}  // namespace sluice
