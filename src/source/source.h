// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "offset/offset.h"
#include "sluice/status.hpp"

namespace sluice {

// A place in a source, and what its identity rests on: each at most kIdentityWindow bytes.
struct Place {
  bool reached = false;  // false: the source ends before it, and the bytes below mean nothing
  std::string head;      // the first bytes of the source, up to the place
  std::string before;    // the last bytes before the place
};

// Something that decoded bytes are read from, in order, once: a file, a gzip or zstd file, stdin.
//
// Threads: one thread at a time.
// Errors: a failed Read says path and byte offset; nothing can be read afterwards. Of damaged or
// cut-short compressed data, all that could be decoded is handed out first.
class Source {
 public:
  virtual ~Source() = default;

  // Reads up to `size` bytes (at least 1 unless at the end) to `to`. 0 at the end: for a file, the
  // size it had when it was opened, however it grows meanwhile. Less than `size` from a pipe where
  // no more is there at the moment.
  virtual Result<size_t> Read(char* to, size_t size) = 0;

  // Goes on to `offset`, so that the next Read begins there. May be called again for a place
  // further on, but not after a Read. A plain file goes there at once; anything else is decoded and
  // read past.
  virtual Result<Place> SkipTo(uint64_t offset);

  virtual const SourceKey& key() const = 0;
  // Bytes taken from the file itself so far, compressed or not: what progress is measured in.
  virtual uint64_t stored_bytes_read() const = 0;
  // Of the file when it was opened; 0 where it is not known (a pipe).
  virtual uint64_t stored_size() const = 0;
  // Whether its bytes can be read again after a crash. False for a pipe: its chunks are held until
  // the commit (I4).
  virtual bool rereadable() const = 0;
  // Whether another program may still append to it: then a last line without a newline may be
  // unfinished. False at a pipe's end and for a compressed file.
  virtual bool may_grow() const = 0;

 private:
  // Where SkipTo, as it stands here, has got to.
  uint64_t skipped_ = 0;
  Place skipped_place_;
};

// Keeps the last kIdentityWindow bytes of what was appended to `window`.
void AppendToWindow(std::string* window, std::string_view bytes);

}  // namespace sluice
