// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "offset/offset.h"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// The bytes of a file, a pipe or a terminal as they are stored, compressed or not: what the sources
// decode.
//
// A regular file is read up to the size that it had when it was opened. A pipe is waited for, but
// not past a stop.
class RawInput {
 public:
  static Result<RawInput> Open(const std::string& path, const StopToken* stop);
  // A regular file, when stdin was redirected from its beginning; else a pipe whose path is "-".
  static Result<RawInput> Stdin(const StopToken* stop);

  // Reads up to `size` bytes; 0 at the end. From a pipe as many as are there, but one at least.
  // kCancelled when a pipe is waited for and the stop comes.
  Result<size_t> Read(char* to, size_t size);

  // The first bytes, without taking them: fewer than `count` only where the input is shorter.
  // Before the first Read.
  Result<std::string_view> Peek(size_t count);

  // Regular files only. ReadAt keeps to the size at open, and moves nothing; SeekTo moves the next
  // Read.
  Result<size_t> ReadAt(char* to, size_t size, uint64_t offset) const;
  void SeekTo(uint64_t offset) { position_ = offset; }

  const SourceKey& key() const { return key_; }
  bool is_regular() const { return is_regular_; }
  uint64_t size() const { return size_; }          // 0 for a pipe
  uint64_t position() const { return position_; }  // bytes read, or passed by SeekTo

 private:
  RawInput(File file, const FileInfo& info, SourceKey key, const StopToken* stop);
  Result<size_t> ReadPipe(char* to, size_t size);
  Result<size_t> ReadDescriptor(char* to, size_t size);
  Status WaitForPipe() const;
  bool PipeHasMore() const;

  File file_;
  SourceKey key_;
  bool is_regular_ = false;
  uint64_t size_ = 0;
  uint64_t position_ = 0;
  std::string peeked_;  // of a pipe: read by Peek, not by Read yet
  const StopToken* stop_ = nullptr;
};

}  // namespace sluice
