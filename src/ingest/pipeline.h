// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/buffer.h"
#include "base/mutex.h"
#include "ingest/parcel.h"
#include "sink/sink.h"
#include "sluice/stop.hpp"
#include "source/source.h"

namespace sluice {

// A source as the pipeline reads it.
struct PipelineSource {
  std::string path;    // what @source holds, and messages say
  uint32_t table = 0;  // index of its table
  Offset from;         // where to go on
  // Called once, on the reader's thread.
  std::function<Result<std::unique_ptr<Source>>()> open;
};

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
// Threads: any. A thread that waits in TakeInTurn waits for threads that have taken an earlier
// parcel from the queue, and the first of these waits for nobody: so parcels are taken in order.
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
//   reader ──work──▶ parser ... parser ──done──▶ NextInOrder()
//
// Where the sink encodes ahead, a parser screens the batch, takes its rowids when its turn comes,
// and encodes it. Otherwise the writer does, which alone knows what the batch holds in the end.
//
// Back-pressure: a chunk needs a buffer of the pool, and there are no more parcels than buffers;
// the reader waits for one (I5). The buffer comes back when the writer releases the parcel.
// Threads: it has one that reads and `parsers` that parse; all calls from one thread, the writer's.
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
  void ReadAll();
  Status ReadSource(uint32_t index);
  // False when the pipeline is being torn down.
  bool Hand(std::unique_ptr<Parcel> parcel);
  std::unique_ptr<Parcel> TakeFree();
  void ParseAll(unsigned thread);
  void EncodeInTurn(Parcel* parcel, unsigned thread);

  const std::vector<PipelineSource>& sources_;
  const LiveTables& tables_;
  Sink* const sink_;
  const StopToken& stop_;
  const Options options_;
  BufferPool pool_;

  // The writer's own.
  ParserThread writers_parser_;
  uint64_t next_sequence_ = 0;
  bool ended_ = false;

  // The reader's own.
  uint64_t handed_ = 0;  // parcels handed over so far

  BoundedQueue<std::unique_ptr<Parcel>> work_;  // from the reader to the parsers

  RowidCounter rowids_;

  // From the parsers to the writer, and back to the reader.
  Mutex mutex_;
  Condition done_ready_;
  std::map<uint64_t, std::unique_ptr<Parcel>> done_ SLUICE_GUARDED_BY(mutex_);  // by sequence
  std::vector<std::unique_ptr<Parcel>> free_ SLUICE_GUARDED_BY(mutex_);
  std::optional<uint64_t> parcels_ SLUICE_GUARDED_BY(mutex_);  // of the run, once all are read

  std::thread reader_;
  std::vector<std::thread> parsers_;
};

}  // namespace sluice
