// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "ingest/parcel.h"
#include "sluice/stop.hpp"
#include "source/chunk_reader.h"
#include "source/source.h"

namespace sluice {

// A source as the pipeline reads it.
struct PipelineSource {
  std::string path;      // what @source holds, and messages say
  uint32_t table = 0;    // index of its table
  Offset from;           // where to go on
  bool is_done = false;  // nothing to read: it is not opened
  // Called once, by the thread that reads its first chunk.
  std::function<Result<std::unique_ptr<Source>>()> open;
};

// Reads all sources of a run in turn, a chunk at a time.
//
// Lifetime: all that it is given outlives it. Threads: any, one at a time.
class ParcelReader {
 public:
  ParcelReader(const std::vector<PipelineSource>& sources, BufferPool* pool,
               uint64_t max_line_bytes, const StopToken& stop)
      : sources_(sources), pool_(*pool), max_line_bytes_(max_line_bytes), stop_(stop) {}

  // Fills an empty parcel with the next chunk, or with why its source cannot be read further. False
  // at the end of all sources, after a stop, or when the pool was closed; nothing comes after that.
  // Waits for a buffer.
  bool Read(Parcel* parcel);

 private:
  // The source at hand.
  struct Open {
    std::unique_ptr<Source> source;
    uint64_t read_to_resume = 0;  // stored bytes
    ChunkReader chunks;
    bool begins_after_tail = false;
  };

  Status OpenSource(const PipelineSource& planned);
  Status ReadChunk(Parcel* parcel);

  const std::vector<PipelineSource>& sources_;
  BufferPool& pool_;
  const uint64_t max_line_bytes_;
  const StopToken& stop_;

  uint32_t next_ = 0;         // index of the source at hand
  std::optional<Open> open_;  // it, once its first chunk was asked for
};

}  // namespace sluice
