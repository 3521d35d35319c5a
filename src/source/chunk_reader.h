// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "offset/offset.h"
#include "sluice/status.hpp"
#include "source/source.h"

namespace sluice {

// A buffer of whole lines read from a source. Its last line ends with '\n' unless `ends_source`.
struct Chunk {
  BufferPool::Lease buffer;
  std::string_view data;    // the lines; Buffer::kPadding readable bytes follow
  std::string_view before;  // the min(offset, kIdentityWindow) bytes of the source before `data`
  uint64_t offset = 0;      // of data[0] in the source, in decoded bytes
  uint64_t first_line = 1;  // number of the first line in `data`
  uint64_t newlines = 0;    // in `data`; of an oversize line 1 or 0, as oversize_newline
  ContentHash head;  // of the first kIdentityWindow bytes of the source, or of all up to end()
  bool ends_source =
      false;  // nothing comes after it; `data` may then be empty, or end without '\n'

  // Not 0: `data` is the first kOversizeKept bytes of one line of this many bytes (its newline not
  // counted), which is longer than --max-line. The next chunk begins after that line.
  uint64_t oversize_length = 0;
  bool oversize_newline = false;  // that line ended with a newline
  ContentHash oversize_tail;      // of the last kIdentityWindow bytes before end()

  // Where the next chunk begins in the source.
  uint64_t end() const {
    if (oversize_length != 0) return offset + oversize_length + (oversize_newline ? 1 : 0);
    return offset + data.size();
  }
};

// Cuts a source into chunks.
//
// Limits: a line longer than a buffer makes its buffer grow, up to max_line (but at least to
// kOversizeKept); of a longer one only the first kOversizeKept bytes are kept, and the rest is read
// past without memory. A line longer than max_line that fits all the same is handed out as any
// other: CutLines knows it by Frame::max_line. Errors: what was read whole before the source failed
// is handed out first, then the source's own error.
class ChunkReader {
 public:
  static constexpr size_t kOversizeKept = size_t{1} << 20;

  // Where the source stands: at 0, or where ResumeAt put it.
  struct Start {
    Offset offset;
    std::string before;  // the bytes before it, at most kIdentityWindow
    std::string head;    // the first bytes of the source, at most kIdentityWindow
  };

  // Lifetime: source and pool outlive the reader.
  ChunkReader(Source& source, BufferPool& pool, uint64_t max_line, Start start);

  // The next chunk; after the one that `ends_source` there is none. Waits for a free buffer.
  // kCancelled when the pool was closed meanwhile, or the source stopped. After a taken tail
  // (Offset::tail_taken) the first chunk begins within that line, and first_line is its number.
  Result<Chunk> Next();

 private:
  // A chunk in the making: the buffer holds the window before it, then its bytes.
  struct Filling {
    BufferPool::Lease buffer;
    size_t begin = 0;      // of the chunk's data
    size_t lines_end = 0;  // behind the last newline, or `begin`
    size_t filled = 0;
  };
  Result<Filling> BeginFilling();
  void Fill(Filling* filling);
  // One Read of at most a buffer's size. 0 at the end, and after a failure.
  size_t ReadInto(char* to, size_t size);
  Status Stopped() const;
  bool IsOversize(const Filling& filling) const;
  Chunk TakeLines(Filling filling);
  Result<Chunk> TakeOversize(Filling filling);
  // Sets what the chunk's bytes leave for the next one.
  void Advance(Chunk* chunk, std::string_view bytes);

  Source& source_;
  BufferPool& pool_;
  const uint64_t longest_kept_;  // bytes of a line

  uint64_t offset_;     // of the next chunk
  uint64_t next_line_;  // its first line's number
  std::string head_;    // the first bytes of the source, at most kIdentityWindow of them
  ContentHash head_hash_;
  std::string window_;   // the last bytes before offset_, at most kIdentityWindow
  std::string carried_;  // read, and not handed out yet: the beginning of the next chunk
  bool ended_ = false;
  Status failure_;
};

// Puts a source that was just opened at a stored offset. kCorruption where its content up to there
// is not what the offset was stored for: it changed since it was identified.
Result<ChunkReader::Start> ResumeAt(Source& source, const Offset& offset);

// The offset `bytes` into a source that was just opened, or behind its last whole line
// (--start-offset, --start-at-end). Both read all that is before, because line numbers count from
// the start: open the source again to go on from there. kUsage where the source is shorter.
Result<Offset> OffsetAtByte(Source& source, uint64_t bytes);
Result<Offset> OffsetAtEnd(Source& source);

// The offset at `position` bytes into the chunk's data, `lines` being the number of lines of the
// source before it. Of an oversize line `position` is 0, or data.size() for the end of the line
// itself. Costs two hashes of 1 KiB: made per commit, not per line.
Offset OffsetIn(const Chunk& chunk, size_t position, uint64_t lines, bool tail_taken);

// Newlines in `bytes`, at memory speed.
uint64_t CountNewlines(std::string_view bytes);

}  // namespace sluice
