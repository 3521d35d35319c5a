// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/buffer.h"
#include "base/mutex.h"
#include "ingest/parcel_reader.h"
#include "sink/sink.h"
#include "sluice/stop.hpp"

namespace sluice {

// The tables of a run, each of which may get more columns while it runs (--alter).
//
// Threads: Get from any, Replace from the writer's. Every version lives as long as this.
class LiveTables {
 public:
  explicit LiveTables(std::vector<Table> tables);
  size_t size() const { return current_.size(); }
  const Table& Get(uint32_t index) const {
    return *current_[index]->load(std::memory_order_acquire);
  }
  const Table& Replace(uint32_t index, Table table);

 private:
  std::deque<Table> versions_;  // addresses are stable
  std::vector<std::unique_ptr<std::atomic<const Table*>>> current_;
};

// Gives rows their rowids in the order of the input, whichever threads have parsed them: of each
// table from 1 on, without gaps.
//
// Threads: any. A thread that waits in TakeInTurn waits for threads that have read an earlier
// parcel, and the first of these waits for nobody.
class RowidCounter {
 public:
  explicit RowidCounter(size_t tables) : next_(tables, 1) {}

  // The first of the next `rows` rowids.
  int64_t Take(uint32_t table, size_t rows) SLUICE_EXCLUDES(mutex_);
  // The same, when it was called once for every sequence before this one.
  int64_t TakeInTurn(uint64_t sequence, uint32_t table, size_t rows) SLUICE_EXCLUDES(mutex_);

 private:
  int64_t TakeLocked(uint32_t table, size_t rows) SLUICE_REQUIRES(mutex_);

  Mutex mutex_;
  Condition turn_came_;
  uint64_t turn_ SLUICE_GUARDED_BY(mutex_) = 0;          // the sequence whose turn it is
  std::vector<int64_t> next_ SLUICE_GUARDED_BY(mutex_);  // by table
};

// The extractors of one thread, one for each table that it has met.
class ParserThread {
 public:
  void Parse(Parcel* parcel, const ChunkPart& part, const Table& table,
             const ExtractContext& context);

 private:
  std::map<const Table*, Extractor>
      extractors_;  // by version: a table that got columns is another one
};

// Reads all sources in turn, parses on several threads, and hands the parcels to the writer in the
// order of the input (I2).
//
//   parser: { read the next chunk ──▶ parse it ──▶ encode it } ... ──done──▶ NextInOrder()
//
// Parsers take turns in reading: who parses a chunk has just copied it from the kernel, and finds
// it in its cache; and no thread waits for another to hand it work.
//
// Where the sink encodes ahead, a parser screens the batch, takes its rowids when its turn comes,
// and encodes it. Otherwise the writer does, which alone knows what the batch holds in the end.
//
// Back-pressure: a chunk needs a buffer of the pool, and there are no more parcels than buffers;
// who reads waits for one (I5). The buffer comes back when the writer releases the parcel.
// Threads: it has `parsers` of them; all calls from one thread, the writer's.
class Pipeline {
 public:
  struct Options {
    unsigned parsers = 1;
    size_t buffers = 8;  // at least 4
    size_t buffer_bytes = size_t{1} << 20;
    uint64_t max_line_bytes = uint64_t{64} << 20;
    std::string ingested_at;
    bool encode_ahead = false;  // on the threads that parse
  };

  // Lifetime: sources, tables, sink and stop outlive the pipeline.
  Pipeline(const std::vector<PipelineSource>& sources, const LiveTables& tables, Sink* sink,
           const StopToken& stop, Options options);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // The next parcel. nullptr where none came until `deadline`, so that the writer can commit what
  // is due and say how far it is; or when ended(): all were given out, or a stop was asked for and
  // what had been read by then is through.
  std::unique_ptr<Parcel> NextInOrder(std::chrono::steady_clock::time_point deadline);
  bool ended() const { return ended_; }

  // Its chunk may be read into again (I4).
  void Release(std::unique_ptr<Parcel> parcel);

  // Parses a part of a parcel again, by the table as it is now: on the writer's thread.
  void ParseAgain(Parcel* parcel, const ChunkPart& part);
  // Makes the parcel's batch ready for Sink::Write, where its parser has not: on the writer's
  // thread.
  Status EncodeUnlessAhead(Parcel* parcel);

  size_t buffers() const { return options_.buffers; }

 private:
  void ParseAll(unsigned thread);
  std::unique_ptr<Parcel> ReadNext() SLUICE_EXCLUDES(reading_);
  std::unique_ptr<Parcel> TakeFree();
  void EncodeInTurn(Parcel* parcel, unsigned thread);

  const std::vector<PipelineSource>& sources_;
  const LiveTables& tables_;
  Sink* const sink_;
  const Options options_;
  BufferPool pool_;

  // The writer's own.
  ParserThread writers_parser_;
  uint64_t next_sequence_ = 0;
  bool ended_ = false;

  // Of the parser whose turn it is to read.
  Mutex reading_;
  ParcelReader reader_ SLUICE_GUARDED_BY(reading_);
  uint64_t read_ SLUICE_GUARDED_BY(reading_) = 0;  // parcels so far

  RowidCounter rowids_;

  // From the parsers to the writer, and back.
  Mutex mutex_;
  Condition done_ready_;
  std::map<uint64_t, std::unique_ptr<Parcel>> done_ SLUICE_GUARDED_BY(mutex_);  // by sequence
  std::vector<std::unique_ptr<Parcel>> free_ SLUICE_GUARDED_BY(mutex_);
  std::optional<uint64_t> parcels_ SLUICE_GUARDED_BY(mutex_);  // of the run, once all are read

  std::vector<std::thread> parsers_;
};

}  // namespace sluice
