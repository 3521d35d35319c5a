// SPDX-License-Identifier: Apache-2.0
#include "ingest/pipeline.h"

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
      options_(std::move(options)),
      pool_(options_.buffers, options_.buffer_bytes),
      reader_(sources, &pool_, options_.max_line_bytes, stop),
      rowids_(tables.size()) {
  for (unsigned i = 0; i < options_.parsers; ++i) {
    parsers_.emplace_back([this, i] { ParseAll(i); });
  }
}

Pipeline::~Pipeline() {
  pool_.Close();
  for (std::thread& parser : parsers_) parser.join();
}

void Pipeline::ParseAll(unsigned thread) {
  ParserThread parser;
  while (std::unique_ptr<Parcel> parcel = ReadNext()) {
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

// nullptr when there is no more: the writer then knows how many there were.
std::unique_ptr<Parcel> Pipeline::ReadNext() {
  MutexLock reading(reading_);
  std::unique_ptr<Parcel> parcel = TakeFree();
  if (reader_.Read(parcel.get())) {
    parcel->sequence = read_++;
    return parcel;
  }
  MutexLock lock(mutex_);
  parcels_ = read_;
  done_ready_.NotifyAll();
  return nullptr;
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
