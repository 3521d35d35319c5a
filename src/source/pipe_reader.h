// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/file.h"
#include "offset/offset.h"
#include "sluice/pipe.hpp"
#include "sluice/status.hpp"
#include "source/chunk_reader.h"

namespace sluice {

// A pipe that is followed: what is read of it is kept until its rows are committed, for it cannot
// be read again (I4).
//
//   { Fill, when it is readable and WantsMore │ Next → the chunk's lines are taken }*
//     → Committed, or GoBack: then Next gives out again what came since the last Committed
//
// Limits: as much as the buffer holds; when that is full the pipe waits for the commit. A longer
// line makes the buffer grow, up to the limit; of one beyond that the first
// ChunkReader::kOversizeKept bytes are kept. Threads: one.
class PipeReader {
 public:
  // `window`: the last bytes before the offset, at most kIdentityWindow; `tail`: what was read
  // behind it already. Takes over the descriptor.
  PipeReader(int descriptor, std::string_view window, std::string_view tail, size_t buffer_bytes,
             uint64_t longest_line);

  int descriptor() const { return file_.descriptor(); }
  bool WantsMore() const { return !ended_ && !IsFull() && !oversize_is_whole_; }
  // Nothing more can be read before what was given out is committed.
  bool IsFull() const;
  bool ended() const { return ended_; }  // the pipe is at its end: Next may give out a last line
  bool done() const { return ended_ && given_ == filled_; }

  // Reads what is there, without waiting: when poll(2) says that it is readable.
  Status Fill();
  // The whole lines that were read and not given out, `offset` being where they begin; at the end
  // of the pipe the last line too. False where there are none.
  bool Next(const Offset& offset, Chunk* chunk);
  // The last bytes of the chunk that Next gave out last, which is no line that is too long: Next
  // gives them out again.
  void GiveBack(size_t bytes) { given_ -= bytes; }
  void Committed();
  void GoBack();

  // For another reader of the pipe: all that is not committed. Not within a line that is too long.
  bool CanHandOver() const { return !ended_ && oversize_ == 0; }
  PipeHandOver HandOver() const;

 private:
  Status SkipOversize();
  bool NextOversize(const Offset& offset, Chunk* chunk);
  void Describe(const Offset& offset, size_t size, Chunk* chunk) const;

  File file_;
  const uint64_t longest_line_;
  Buffer buffer_;
  // The buffer: [0, window_) bytes before the committed offset, then those that are not committed.
  size_t window_ = 0;
  size_t given_ = 0;
  size_t filled_ = 0;
  bool ended_ = false;

  // A line that is too long: it alone is in the buffer then.
  uint64_t oversize_ = 0;  // its length so far; 0: there is none
  bool oversize_has_newline_ = false;
  bool oversize_is_whole_ = false;
  bool oversize_given_ = false;
  std::string oversize_window_;  // the last bytes of it
  std::string behind_oversize_;
};

}  // namespace sluice
