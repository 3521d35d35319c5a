// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "offset/offset.h"

namespace sluice {

// Something that decoded bytes are read from, in order, once: a file, a gzip or zstd file, stdin.
//
// Threads: one thread at a time.
// Errors: a failed Read says path and byte offset; nothing can be read afterwards.
class Source {
 public:
  virtual ~Source() = default;

  // Reads up to `size` bytes (at least 1 unless at the end) to `to`. 0 at the end: for a file, the size it had
  // when it was opened, however it grows meanwhile.
  virtual Result<size_t> Read(char* to, size_t size) = 0;

  virtual const SourceKey& key() const = 0;
  // Bytes taken from the file itself so far, compressed or not: what progress is measured in.
  virtual uint64_t stored_bytes_read() const = 0;
  // Of the file when it was opened; 0 where it is not known (a pipe).
  virtual uint64_t stored_size() const = 0;
  // Whether its bytes can be read again after a crash. False for a pipe: its chunks are held until the commit (I4).
  virtual bool rereadable() const = 0;
  // Whether another program may still append to it: then a last line without a newline may be unfinished. False at
  // stdin's end and for a compressed file.
  virtual bool may_grow() const = 0;
};

}  // namespace sluice
