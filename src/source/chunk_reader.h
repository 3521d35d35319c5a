// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/status.h"
#include "offset/offset.h"
#include "source/source.h"

namespace sluice {

// A buffer of whole lines read from a source. Its last line ends with '\n' unless `ends_source`.
struct Chunk {
  BufferPool::Lease buffer;
  std::string_view data;           // the lines; Buffer::kPadding readable bytes follow
  std::string_view before;         // the min(offset, kIdentityWindow) bytes of the source before `data`
  uint64_t offset = 0;             // of data[0] in the source, in decoded bytes
  uint64_t first_line = 1;         // number of the first line in `data`
  uint64_t newlines = 0;           // in `data`
  ContentHash head;                // of the first kIdentityWindow bytes of the source, or of all up to the end of `data`
  bool ends_source = false;        // nothing comes after it; `data` may then be empty, or end without '\n'
  // Not 0: `data` is the first kOversizeKept bytes of one line of this many bytes (its newline not counted), which is
  // longer than --max-line. The next chunk begins after that line.
  uint64_t oversize_length = 0;
  bool oversize_newline = false;   // that line ended with a newline
};

// Cuts a source into chunks.
//
// Limits: a line longer than a buffer makes its buffer grow, up to max_line; of a longer one only the first
// kOversizeKept bytes are kept, and the rest is read past without memory.
class ChunkReader {
 public:
  static constexpr size_t kOversizeKept = size_t{1} << 20;

  // `start` is where the source already stands: 0, or the offset up to which it was skipped, with the bytes before it
  // (at most kIdentityWindow) in `before` and the first bytes of the source in `head`.
  struct Start {
    Offset offset;
    std::string before;
    std::string head;
  };

  // Lifetime: source and pool outlive the reader.
  ChunkReader(Source& source, BufferPool& pool, uint64_t max_line, Start start);

  // The next chunk; after the one that `ends_source` there is none. Waits for a free buffer. kCancelled when the pool was
  // closed meanwhile.
  Result<Chunk> Next();

 private:
  Source& source_;
  BufferPool& pool_;
};

// The offset at `position` bytes into the chunk's data, `lines` being the number of lines of the source before it.
// Costs two hashes of 1 KiB: made per commit, not per line.
Offset OffsetIn(const Chunk& chunk, size_t position, uint64_t lines, bool tail_taken);

}  // namespace sluice
