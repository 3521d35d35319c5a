// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "base/file.h"
#include "offset/offset.h"
#include "sluice/status.hpp"
#include "source/chunk_reader.h"

namespace sluice {

// A plain file that another program appends to, read line by whole line as it grows.
//
//   Open → { Next → the chunk's lines are taken → Advance }* → Close
//
// A last line waits for its newline. Each Next looks first whether the bytes before the offset are
// still those that were read: a file may be emptied and written anew between two looks. Of a file
// of which nothing was read yet, it looks whether it begins as it was seen to begin.
//
// Limits: a chunk is what one buffer holds. A longer line is looked through for its newline, once,
// and then read whole into a buffer that grows for it, up to the limit; of one beyond that the
// first ChunkReader::kOversizeKept bytes are kept. Threads: one.
class GrowingFile {
 public:
  GrowingFile(SourceKey key, const Offset& offset) : key_(std::move(key)), offset_(offset) {}

  enum class Growth : uint8_t {
    kNothing,       // no whole line more
    kLines,         // the chunk has them
    kOtherContent,  // shorter than the offset, or other bytes stand where some were read or seen
  };

  // kNotFound where the path is gone; kCorruption where another file has it by now.
  Status Open();
  void Close() { file_ = File(); }
  bool is_open() const { return file_.is_open(); }

  Result<uint64_t> SizeNow() const;

  // `longest_line`: bytes of a line that is still read whole.
  Result<Growth> Next(BufferPool* pool, uint64_t longest_line, Chunk* chunk);
  // The lines up to there are taken.
  void Advance(const Offset& offset);

  // What it began with when it was last looked at: what it is known by until something is read.
  void SawHead(const ContentHash& head) { seen_head_ = head; }
  const ContentHash& seen_head() const { return seen_head_; }
  // A file that is shorter is another by now.
  uint64_t least_size() const { return std::max<uint64_t>(offset_.bytes, seen_head_.length); }

  const SourceKey& key() const { return key_; }
  void set_key(SourceKey key) { key_ = std::move(key); }
  const Offset& offset() const { return offset_; }

 private:
  Result<bool> StandsAsRead(std::string_view bytes, size_t window) const;
  Result<Growth> TakeLongLine(BufferPool::Lease buffer, size_t window, uint64_t size,
                              uint64_t longest_line, Chunk* chunk);
  Result<uint64_t> FindNewline(char* scratch, size_t scratch_size, uint64_t size);
  Status TakeOversizeLine(BufferPool::Lease buffer, size_t window, uint64_t newline, Chunk* chunk);
  void Describe(BufferPool::Lease buffer, size_t window, size_t lines_end, Chunk* chunk) const;

  SourceKey key_;
  Offset offset_;
  ContentHash seen_head_;  // of nothing where nothing was seen
  File file_;
  uint64_t searched_ = 0;  // no newline stands between the offset and here
};

}  // namespace sluice
